#include "cli/run/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/process.h"
#include "cli/common/run_env.h"
#include "cli/run/unseen.h"
#include "cli/common/watchable.h"
#include "cli/common/run_dir.h"

struct mark {
    pid_t pid;
    char kind;
    uint64_t ns, until; /* the next of this pid; UINT64_MAX: none */
    const char *directory, *path;
    size_t order;
};

struct marks {
    char *text; /* the file; marks point into it */
    struct mark *items;
    size_t count;
};

/* ---- the file ------------------------------------------------------------------- */

/* NULL: none there, or not readable. */
static char *read_file(const char *directory, size_t *size)
{
    char path[RUN_DIR_MAX + sizeof(LEDGER_MARKS_FILE) + 1];
    struct stat st;
    snprintf(path, sizeof(path), "%s/" LEDGER_MARKS_FILE, directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *text =
        fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? malloc((size_t)st.st_size + 1) : NULL;
    *size = 0;
    for (ssize_t got; text && (off_t)*size < st.st_size; *size += (size_t)got)
        if ((got = read(fd, text + *size, (size_t)st.st_size - *size)) <= 0)
            break;
    if (fd >= 0)
        close(fd);
    return text;
}

/* The string at *at, which moves behind it; NULL at the end. */
static const char *next_string(char **at, const char *end)
{
    char *string = *at, *nul = memchr(string, 0, (size_t)(end - string));
    if (!nul)
        return NULL;
    *at = nul + 1;
    return string;
}

static bool parse_mark(char **at, const char *end, struct mark *mark)
{
    const char *head = next_string(at, end);
    mark->directory = head ? next_string(at, end) : NULL;
    mark->path = mark->directory ? next_string(at, end) : NULL;
    int used = 0;
    unsigned long long ns;
    if (!mark->path || sscanf(head, "%d %llu %c%n", &mark->pid, &ns, &mark->kind, &used) != 3 || head[used])
        return false;
    mark->ns = ns;
    return true;
}

/* What follows a damaged record (a full disk) stays unread. */
static bool parse_marks(struct marks *marks, size_t size)
{
    char *at = marks->text;
    struct mark mark = {.pid = 0};
    while (at < marks->text + size && parse_mark(&at, marks->text + size, &mark)) {
        if (!(marks->count & (marks->count - 1))) {
            size_t room = marks->count ? marks->count * 2 : 1;
            struct mark *items = realloc(marks->items, room * sizeof(*items));
            if (!items)
                return false;
            marks->items = items;
        }
        mark.order = marks->count;
        marks->items[marks->count++] = mark;
    }
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    /* A parent's mark of a spawn may be written after its child's own next one. */
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* ---- which of them were watched ------------------------------------------------------- */

/* A pid is used again in time, so a mark speaks of what came before the next one. */
static void set_until(struct marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        struct mark *mark = &marks->items[i];
        bool last = i + 1 == marks->count || mark[1].pid != mark->pid;
        mark->until = last ? UINT64_MAX : mark[1].ns;
        if (!last && mark[1].kind == LEDGER_MARK_FAILED)
            mark->kind = LEDGER_MARK_FAILED;
    }
}

static int pid_of_ledger(const void *pid, const void *item)
{
    pid_t other = (*(struct run_ledger *const *)item)->pid;
    return *(const pid_t *)pid < other ? -1 : *(const pid_t *)pid > other;
}

static int ledgers_by_pid(const void *a, const void *b)
{
    return pid_of_ledger(&(*(struct run_ledger *const *)a)->pid, b);
}

/* Did the program come to report in, or the process to end before exec was through? */
static bool is_accounted_for(const struct mark *mark, const struct run_ledger *item)
{
    const struct ledger_header *header = ledger_get_header(item->ledger);
    if (header->started_ns >= mark->ns)
        return header->started_ns < mark->until && !(header->flags & LEDGER_FORKED);
    return header->end != LEDGER_END_NONE && header->end != LEDGER_END_EXEC && header->end_ns >= mark->ns;
}

static bool has_ledger(const struct mark *mark, struct run_ledger *const *by_pid_of, size_t count)
{
    struct run_ledger *const *found =
        count ? bsearch(&mark->pid, by_pid_of, count, sizeof(*by_pid_of), pid_of_ledger) : NULL;
    if (!found)
        return false;
    while (found > by_pid_of && found[-1]->pid == mark->pid)
        found--;
    for (; found < by_pid_of + count && (*found)->pid == mark->pid; found++)
        if (is_accounted_for(mark, *found))
            return true;
    return false;
}

/* ---- why not ------------------------------------------------------------------------------ */

/* The directory is as the kernel told it, without symbolic links, so that ".." can
 * be taken from its text: by now it may be gone. */
static void join_path(char *out, size_t size, const char *directory, const char *path)
{
    size_t length = *path == '/' ? 0 : strlen(directory);
    while (length && *path == '.' && (path[1] == '/' || (path[1] == '.' && path[2] == '/'))) {
        if (path[1] == '.')
            while (length && directory[--length] != '/')
                ;
        path = strchr(path, '/');
        path += strspn(path, "/");
    }
    bool between = *directory && *path && *path != '/';
    snprintf(out, size, "%.*s%s%s", (int)length, directory, between ? "/" : "", path);
}

/* A file's kind, or else what the shim saw of its environment. */
static enum unwatched_why why_not(const struct mark *mark, char exe[PATH_MAX])
{
    char path[2 * PATH_MAX];
    join_path(path, sizeof(path), mark->directory, mark->path);
    enum unwatched_why why = watchable_why_not(path, exe);
    return why || mark->kind != LEDGER_MARK_BARE ? why : UNWATCHED_ENVIRONMENT;
}

/* Why it was not watched; UNWATCHED_NOT: it was, or that is not certain. */
static enum unwatched_why judge(const struct run_place *place, const struct mark *mark, char exe[PATH_MAX])
{
    enum unwatched_why why = why_not(mark, exe);
    bool is_last = mark->until == UINT64_MAX;
    if (!why && place->strict)
        return is_last && run_unseen_arrives(place, mark->pid) ? UNWATCHED_NOT : UNWATCHED_UNKNOWN;
    /* Alive with the shim: on its way, or just about to call exec. */
    return why && is_last && process_maps_file(mark->pid, SHIM_NAME) ? UNWATCHED_NOT : why;
}

static bool judge_marks(const struct run_place *place, const struct marks *marks,
                        struct run_ledger *const *by_pid_of, struct run_ledgers *ledgers)
{
    for (size_t i = 0; i < marks->count; i++) {
        const struct mark *mark = &marks->items[i];
        if (mark->kind != LEDGER_MARK_OURS && mark->kind != LEDGER_MARK_BARE)
            continue;
        if (has_ledger(mark, by_pid_of, ledgers->count))
            continue;
        char exe[PATH_MAX];
        enum unwatched_why why = judge(place, mark, exe);
        const char *name = *mark->path ? mark->path : mark->directory;
        if (why && !run_unseen_add(ledgers, mark->pid, name, *exe ? exe : name, why))
            return false;
    }
    return true;
}

/* A process that went on to a program, without a word of which.  One that is about to
 * has not said the word yet. */
static bool judge_execs(const struct run_place *place, const struct marks *marks, struct run_ledgers *ledgers)
{
    for (size_t i = 0; i < ledgers->count; i++) {
        const struct ledger_header *header = ledger_get_header(ledgers->items[i].ledger);
        pid_t pid = ledgers->items[i].pid;
        bool followed = header->end != LEDGER_END_EXEC;
        for (size_t j = 0; j < marks->count && !followed; j++)
            followed = marks->items[j].pid == pid && marks->items[j].ns >= header->end_ns;
        for (size_t j = 0; j < ledgers->count && !followed; j++)
            followed = ledgers->items[j].pid == pid &&
                       ledger_get_header(ledgers->items[j].ledger)->started_ns >= header->end_ns;
        const char *exe = ledger_get_string(ledgers->items[i].ledger, header->exe);
        if (!followed && !run_unseen_arrives(place, pid) &&
            !run_unseen_add(ledgers, pid, exe, exe, UNWATCHED_EXEC))
            return false;
    }
    return true;
}

bool run_marks_read(const char *directory, bool strict, struct run_ledgers *ledgers, struct error *error)
{
    size_t size;
    struct marks marks = {.text = read_file(directory, &size)};
    struct run_ledger **sorted = calloc(ledgers->count + 1, sizeof(struct run_ledger *));
    const struct run_place place = {directory, strict, ledgers};
    bool done = sorted && (!marks.text || parse_marks(&marks, size));
    if (done && marks.count) {
        qsort(marks.items, marks.count, sizeof(*marks.items), by_pid);
        set_until(&marks);
        for (size_t i = 0; i < ledgers->count; i++)
            sorted[i] = &ledgers->items[i];
        if (ledgers->count)
            qsort(sorted, ledgers->count, sizeof(struct run_ledger *), ledgers_by_pid);
        done = judge_marks(&place, &marks, sorted, ledgers);
    }
    if (done && strict)
        done = judge_execs(&place, &marks, ledgers);
    if (!done)
        error_set(error, "out of memory");
    free(sorted);
    free(marks.items);
    free(marks.text);
    return done;
}
