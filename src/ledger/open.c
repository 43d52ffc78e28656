#include "ledger/load.h"
#include "ledger/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/shim.h"
#include "base/text.h"
#include "ledger/attached.h"
#include "proc/address_space.h"
#include "proc/file.h"
#include "proc/status.h"
#include "proc/tracer.h"
#include "common/run_protocol.h"

enum { MAX_CANDIDATES = 64 };

struct target {
    pid_t pid;  /* as the user gave it */
    pid_t task; /* task_with_memory(pid) */
    pid_t own;  /* in the pid namespace of the process */
};

/* ---- errors ------------------------------------------------------------------ */

static void set_refused(pid_t pid, struct error *error)
{
    error_set(error, "process %d: no permission to read it; %s%s", (int)pid,
              geteuid() == 0 ? "CAP_SYS_PTRACE is missing (in a container: --cap-add=SYS_PTRACE)"
                             : "run threadleak as its user or as root",
              tracer_scope() ? ", and check kernel.yama.ptrace_scope" : "");
}

static void set_no_maps(pid_t pid, int why, struct error *error)
{
    if (why == EACCES || why == EPERM)
        set_refused(pid, error);
    else if (why == ENOENT || why == ESRCH)
        error_set(error, "no process %d", (int)pid);
    else
        error_set(error, "process %d: cannot read its memory map: %s", (int)pid, strerror(why));
}

static void set_unwatched(const struct target *target, struct error *error)
{
    char exe[256], preload[SHIM_PRELOAD_MAX];
    ssize_t n = readlink(PROC_PATH("%d/exe", target->task), exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    error_set(error, "process %d%s%s%s is not watched; start it with threadleak run or %s", (int)target->pid,
              n > 0 ? " (" : "", exe, n > 0 ? ")" : "", shim_preload(preload));
}

/* ---- the ledger of a process --------------------------------------------------- */

/* The kernel splits a mapping if its pages have different attributes. */
static bool continues(const struct region *before, const struct region *region)
{
    return before->end == region->start && region_is_of_same_file(before, region) &&
           before->offset + (before->end - before->start) == region->offset;
}

static bool open_regular(struct ledger_source *source, const char *path, struct stat *st)
{
    source->fd = regular_file_open(path, st);
    source->base = 0;
    source->size = (uint64_t)st->st_size;
    return source->fd >= 0;
}

/* Three ways, which need CAP_CHECKPOINT_RESTORE, a readable file, or permission to trace the process. */
static bool open_mapping(const struct target *target, const struct region *region,
                         struct ledger_source *source)
{
    struct stat st;
    const char *path =
        PROC_PATH("%d/map_files/%" PRIx64 "-%" PRIx64, target->task, region->start, region->end);
    if (open_regular(source, path, &st))
        return true;
    if (open_regular(source, region->path, &st)) {
        if (region_is_of_file(region, &st))
            return true;
        close(source->fd);
    }
    source->fd = open(PROC_PATH("%d/mem", target->task), O_RDONLY | O_CLOEXEC);
    source->base = region->start;
    source->size = region->end - region->start;
    return source->fd >= 0;
}

/* Where the bytes of a ledger are. */
struct followed_ledger {
    char name[64];
    struct ledger_source source; /* its `name` is that above */
};

/* NOT_WATCHED: the mapping is not the ledger of this process, or the process has not filled it in yet. OK:
 * the caller closes found->source.fd. */
static enum ledger_open_status try_candidate(const struct target *target, const struct region *region,
                                             struct followed_ledger *found, struct ledger **ledger,
                                             struct error *error)
{
    struct ledger_source *source = &found->source;
    *source = (struct ledger_source){.name = found->name};
    snprintf(found->name, sizeof(found->name), "the ledger of process %d", (int)target->pid);
    if (!open_mapping(target, region, source)) {
        set_refused(target->pid, error);
        return LEDGER_OPEN_FAILED;
    }
    enum ledger_open_status status = LEDGER_OPEN_NOT_WATCHED;
    if (ledger_has_magic(source))
        status = ledger_load(source, ledger, error);
    if (status == LEDGER_OPEN_OK && ledger_get_header(*ledger)->pid != target->own) {
        /* A child that was not made by fork(3) still maps its parent's ledger. */
        ledger_close(*ledger);
        *ledger = NULL;
        status = LEDGER_OPEN_NOT_WATCHED;
    }
    if (status != LEDGER_OPEN_OK)
        close(source->fd);
    return status;
}

/* Anonymous shared memory: a ledger if the shim got no memfd, or memory of the program. */
static bool is_anonymous(const struct region *region)
{
    return strcmp(region->path, "/dev/zero") == 0;
}

/* There may be several: a child inherits its parent's ledger, and other files may have such a name. */
static enum ledger_open_status open_own(const struct target *target, const struct address_space *space,
                                        struct followed_ledger *found, struct ledger **ledger,
                                        struct error *error)
{
    enum ledger_open_status status = LEDGER_OPEN_NOT_WATCHED;
    struct error why;
    size_t tries = 0;
    for (size_t i = 0; i < space->count && tries < MAX_CANDIDATES; i++) {
        struct region whole = space->regions[i];
        if (!whole.shared || whole.offset || (!ledger_is_path(whole.path) && !is_anonymous(&whole)))
            continue;
        for (; i + 1 < space->count && continues(&whole, &space->regions[i + 1]); i++)
            whole.end = space->regions[i + 1].end;
        tries++;
        enum ledger_open_status result = try_candidate(target, &whole, found, ledger, &why);
        if (result == LEDGER_OPEN_OK)
            return result;
        if (result == LEDGER_OPEN_FAILED && !is_anonymous(&whole)) {
            status = result;
            *error = why;
        }
    }
    return status;
}

/* What `threadleak attach` writes. As try_candidate. */
static enum ledger_open_status open_attached(const struct target *target, struct followed_ledger *found,
                                             struct ledger **ledger, struct error *error)
{
    struct stat status;
    struct ledger_source *source = &found->source;
    *source = (struct ledger_source){.name = found->name, .fd = attached_open(target->pid)};
    snprintf(found->name, sizeof(found->name), "the ledger of process %d", (int)target->pid);
    if (source->fd < 0)
        return LEDGER_OPEN_NOT_WATCHED;
    source->size = fstat(source->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    enum ledger_open_status result = ledger_load(source, ledger, error);
    if (result == LEDGER_OPEN_OK && ledger_get_header(*ledger)->pid == target->pid)
        return result;
    close(source->fd);
    ledger_close(*ledger);
    *ledger = NULL;
    return LEDGER_OPEN_NOT_WATCHED;
}

static enum ledger_open_status find_own(pid_t pid, struct followed_ledger *found, struct ledger **ledger,
                                        struct error *error)
{
    enum ledger_open_status status = LEDGER_OPEN_FAILED;
    struct target target = {.pid = pid};
    struct address_space space;
    struct task_status task;

    *ledger = NULL;
    if (!address_space_of_files(&space, pid, &target.task)) {
        set_no_maps(pid, errno, error);
        return status;
    }
    task_status_read(target.task, 0, &task);
    target.own = task.own_pid;
    if (space.count) {
        status = open_own(&target, &space, found, ledger, error);
        if (status == LEDGER_OPEN_NOT_WATCHED)
            status = open_attached(&target, found, ledger, error);
        if (status == LEDGER_OPEN_NOT_WATCHED)
            set_unwatched(&target, error);
    } else
        error_set(error, "process %d has no memory: it has ended, or is a kernel thread", (int)pid);
    address_space_release(&space);
    return status;
}

enum ledger_open_status ledger_open_process(pid_t pid, struct ledger **ledger, struct error *error)
{
    struct followed_ledger found;
    enum ledger_open_status status = find_own(pid, &found, ledger, error);
    if (status != LEDGER_OPEN_OK)
        return status;
    close(found.source.fd);
    if (!(ledger_get_header(*ledger)->flags & LEDGER_ATTACHED)) /* those of the attach are of its namespace */
        ledger_use_tids_here(*ledger, pid);
    return status;
}

/* ---- the same, again and again ------------------------------------------------ */

enum ledger_open_status ledger_follow(pid_t pid, struct followed_ledger **followed, struct error *error)
{
    struct ledger *first;
    *followed = malloc(sizeof(**followed));
    if (!*followed) {
        error_set(error, "process %d: out of memory", (int)pid);
        return LEDGER_OPEN_FAILED;
    }
    enum ledger_open_status status = find_own(pid, *followed, &first, error);
    if (status == LEDGER_OPEN_OK) {
        ledger_close(first);
        return status;
    }
    free(*followed);
    *followed = NULL;
    return status;
}

enum ledger_open_status ledger_follow_read(const struct followed_ledger *followed, struct ledger **ledger,
                                           struct error *error)
{
    return ledger_load(&followed->source, ledger, error);
}

void ledger_follow_end(struct followed_ledger *followed)
{
    if (!followed)
        return;
    close(followed->source.fd);
    free(followed);
}

/* ---- the ledger in a file ---------------------------------------------------- */

static enum ledger_open_status open_file(const char *path, regular_file_open_fn *opener,
                                         struct ledger **ledger, struct error *error)
{
    struct stat st;
    struct ledger_source source = {.name = path, .fd = opener(path, &st)};

    *ledger = NULL;
    if (source.fd < 0) {
        if (errno == EINVAL)
            error_set(error, "%s is not a threadleak ledger: it is not a regular file", path);
        else
            error_set(error, "%s: %s", path, strerror(errno));
        return LEDGER_OPEN_FAILED;
    }
    source.size = (uint64_t)st.st_size;
    enum ledger_open_status status = ledger_load(&source, ledger, error);
    close(source.fd);
    return status == LEDGER_OPEN_OK ? status : LEDGER_OPEN_FAILED;
}

enum ledger_open_status ledger_open_file(const char *path, struct ledger **ledger, struct error *error)
{
    return open_file(path, regular_file_open, ledger, error);
}

enum ledger_open_status ledger_open_in_run(const char *path, struct ledger **ledger, struct error *error)
{
    return open_file(path, regular_file_open_here, ledger, error);
}

bool ledger_file_in_use(const char *path, pid_t pid)
{
    struct stat st;
    struct address_space space;
    pid_t task;
    bool found = false;

    if (stat(path, &st) != 0)
        return false;
    /* The process is alive, but it changed its user, or made itself unreadable. */
    if (!address_space_of_files(&space, pid, &task))
        return errno == EACCES || errno == EPERM;
    /* With overlayfs and some network file systems, maps has another device than stat(2). */
    for (size_t i = 0; !found && i < space.count; i++) {
        const struct region *region = &space.regions[i];
        found = region_is_of_file(region, &st) ||
                (region->inode == st.st_ino && strcmp(path_basename(region->path), path_basename(path)) == 0);
    }
    address_space_release(&space);
    return found;
}

bool ledger_process_path(pid_t pid, pid_t own_pid, char *path, size_t size)
{
    char prefix[64], outer[64];
    struct address_space space;
    pid_t task;
    bool found = false;

    if (!address_space_of_files(&space, pid, &task))
        return false;
    /* run names a ledger by the pid that it sees. */
    snprintf(prefix, sizeof(prefix), LEDGER_FILE_PREFIX "%d.", (int)own_pid);
    snprintf(outer, sizeof(outer), LEDGER_FILE_PREFIX "%d.", (int)pid);
    for (size_t i = 0; !found && i < space.count; i++)
        if (space.regions[i].shared && (text_begins_with(path_basename(space.regions[i].path), prefix) ||
                                        text_begins_with(path_basename(space.regions[i].path), outer)))
            found = snprintf(path, size, "%s", space.regions[i].path) < (int)size;
    address_space_release(&space);
    return found;
}
