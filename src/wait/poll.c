#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "wait/file.h"
#include "wait/time.h"

enum {
    MAX_WATCHED = 1 << 16,
    MAX_NAMED = 3, /* more are counted by their kind */
};

struct watched {
    int *fds;
    size_t count;
    bool unknown; /* nobody can say */
};

static bool watch(struct watched *watched, int fd)
{
    if (!ARRAY_GROW(watched->fds, watched->count))
        return false;
    watched->fds[watched->count++] = fd;
    return true;
}

/* ---- which descriptors ----------------------------------------------------------------- */

static bool list_poll(const struct view *view, struct watched *watched)
{
    const uint64_t *args = view->thread->syscall_args;
    struct pollfd entry;
    for (uint64_t i = 0; i < args[1] && i < MAX_WATCHED; i++) {
        if (!view_read(view, args[0] + i * sizeof(entry), &entry, sizeof(entry)))
            return true;
        if (entry.fd >= 0 && !watch(watched, entry.fd))
            return false;
    }
    return true;
}

static bool list_select(const struct view *view, struct watched *watched)
{
    const uint64_t *args = view->thread->syscall_args;
    for (uint64_t fd = 0; fd < args[0] && fd < MAX_WATCHED; fd++) {
        bool is_in = false;
        for (size_t set = 1; set <= 3; set++) {
            unsigned char bits;
            if (args[set] && view_read(view, args[set] + fd / 8, &bits, 1))
                is_in |= bits >> fd % 8 & 1;
        }
        if (is_in && !watch(watched, (int)fd))
            return false;
    }
    return true;
}

/* "tfd:        5 events:       19 data: …" */
static bool list_epoll(const struct view *view, int fd, struct watched *watched)
{
    char path[64], *line = NULL;
    size_t size = 0;
    bool ok = true;
    snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)view->waits->files->task, fd);
    FILE *file = fopen(path, "re");
    watched->unknown = !file;
    for (int target; ok && file && watched->count < MAX_WATCHED && getline(&line, &size, file) > 0;)
        if (sscanf(line, "tfd: %d", &target) == 1)
            ok = watch(watched, target);
    free(line);
    if (file)
        fclose(file);
    return ok;
}

/* ---- how they are told ------------------------------------------------------------------- */

static void add_counts(struct line *line, const size_t counts[FILE_KINDS])
{
    const char *between = "";
    for (size_t kind = FILE_KINDS; kind-- > 0;) {
        size_t count = counts[kind];
        if (!count)
            continue;
        line_add(line, "%s%zu %s%s", between, count, file_kind_name((enum file_kind)kind),
                 count > 1 && kind != FILE_EPOLL && kind != FILE_INOTIFY && kind != FILE_URING ? "s" : "");
        between = ", ";
    }
}

/* False: out of memory. */
static bool add_watched(const struct view *view, const struct watched *watched)
{
    struct files *files = view->waits->files;
    size_t counts[FILE_KINDS] = {0};
    for (size_t i = 0; i < watched->count; i++) {
        const struct open_file *file = files_find(files, watched->fds[i]);
        if (!file)
            return false;
        counts[file->kind]++;
        if (watched->count > MAX_NAMED)
            continue;
        line_add(view->line, i ? ", " : ": ");
        line_add_file(view->line, files, file);
    }
    if (watched->count > MAX_NAMED) {
        line_add(view->line, ": ");
        add_counts(view->line, counts);
    }
    return true;
}

bool wait_for_poll(const struct view *view)
{
    struct watched watched = {.fds = NULL};
    double whole_s = -1;
    bool ok, is_epoll = view->call.kind == CALL_EPOLL;
    int fd = is_epoll ? (int)view->thread->syscall_args[0] : -1;
    wait_set_timeout(view, &whole_s);
    view->wait->fd = fd;
    view->wait->on = is_epoll ? WAIT_EPOLL : WAIT_POLL;
    if (is_epoll) {
        line_add(view->line, "epoll %d", fd);
        ok = list_epoll(view, fd, &watched);
    } else if (view->call.kind == CALL_POLL) {
        line_add(view->line, "poll");
        ok = list_poll(view, &watched);
    } else {
        line_add(view->line, "select");
        ok = list_select(view, &watched);
    }
    ok = ok && add_watched(view, &watched);
    if (!watched.count && !watched.unknown)
        line_add(view->line, is_epoll ? ", which watches nothing" : " of no descriptor");
    wait_add_timeout(view, true, whole_s);
    free(watched.fds);
    return ok;
}
