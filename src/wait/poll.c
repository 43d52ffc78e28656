#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "proc/file.h"
#include "wait/describe.h"
#include "wait/files.h"

enum {
    MAX_WATCHED = 1 << 16,
    MAX_NAMED = 3, /* other descriptors are counted by their kind */
};

static bool watch(struct watched *watched, int fd)
{
    if (!ARRAY_GROW(watched->fds, watched->count))
        return false;
    watched->fds[watched->count++] = fd;
    return true;
}

/* ---- the descriptors ------------------------------------------------------------------- */

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
static bool list_epoll(const struct view *view, struct watched *watched)
{
    char *line = NULL;
    size_t size = 0;
    bool ok = true;
    FILE *file =
        fopen(PROC_PATH("%d/fdinfo/%d", view->waits->files->task, (int)view->thread->syscall_args[0]), "re");
    watched->unknown = !file;
    for (int target; ok && file && watched->count < MAX_WATCHED && getline(&line, &size, file) > 0;)
        if (sscanf(line, "tfd: %d", &target) == 1)
            ok = watch(watched, target);
    free(line);
    if (file)
        fclose(file);
    return ok;
}

bool poll_read(const struct view *view, struct watched *watched)
{
    wait_describe_fn *describe = view->call.describe;
    watched->nr = view->thread->syscall_nr;
    if (describe == wait_for_poll)
        return list_poll(view, watched);
    if (describe == wait_for_select)
        return list_select(view, watched);
    return describe != wait_for_epoll || list_epoll(view, watched);
}

/* ---- the text --------------------------------------------------------------------- */

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

/* ---- poll, select, epoll ------------------------------------------------------------------ */

/* The list that was read while the process was stopped. NULL: the thread was stopped again in another call.
 */
static const struct watched *list_read_before(const struct view *view)
{
    const struct files *files = view->waits->files;
    size_t index = (size_t)(view->thread - view->waits->context.snapshot->threads);
    const struct watched *watched = index < files->watched_count ? &files->watched[index] : NULL;
    return watched && watched->nr == view->thread->syscall_nr ? watched : NULL;
}

static bool wait_for_any(const struct view *view, const char *nothing)
{
    struct watched now = {.fds = NULL};
    const struct watched *watched = list_read_before(view);
    bool ok = watched || poll_read(view, &now);
    watched = watched ? watched : &now;
    ok = ok && add_watched(view, watched);
    if (!watched->count && !watched->unknown)
        line_add(view->line, "%s", nothing);
    watched_release(&now);
    return ok;
}

bool wait_for_poll(const struct view *view)
{
    view->wait->on = WAIT_POLL;
    line_add(view->line, "poll");
    return wait_for_any(view, " of no descriptors");
}

bool wait_for_select(const struct view *view)
{
    view->wait->on = WAIT_POLL;
    line_add(view->line, "select");
    return wait_for_any(view, " of no descriptors");
}

bool wait_for_epoll(const struct view *view)
{
    view->wait->on = WAIT_EPOLL;
    view->wait->fd = (int)view->thread->syscall_args[0];
    line_add(view->line, "epoll %d", view->wait->fd);
    return wait_for_any(view, ", which watches nothing");
}
