#include "cli/common/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/text.h"
#include "proc/address_space.h"
#include "proc/process.h"
#include "proc/replaced.h"
#include "proc/status.h"
#include "proc/file.h"
#include "stacks/stacks.h"
#include "common/run_protocol.h"

static bool is_in_memory(const char *path)
{
    struct statfs volume;
    return statfs(path, &volume) == 0 && volume.f_type == TMPFS_MAGIC;
}

static bool make_in(const char *directory, char path[RUN_DIR_MAX])
{
    /* COMMAND may change its working directory. */
    char absolute[PATH_MAX];
    if (!realpath(directory, absolute))
        return false;
    if (snprintf(path, RUN_DIR_MAX, "%s/threadleak.XXXXXX", strcmp(absolute, "/") ? absolute : "") >=
        RUN_DIR_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return mkdtemp(path) != NULL;
}

/* A process of the run can have replaced it by a link to another directory, if it may write beside it. */
static DIR *open_own(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() ? fdopendir(fd) : NULL;
    if (!directory && fd >= 0)
        close(fd);
    return directory;
}

void run_dir_remove(const char *path)
{
    /* A live process may create a new file there. */
    for (int attempt = 0; attempt < 10; attempt++) {
        DIR *directory = open_own(path);
        if (!directory)
            return;
        for (struct dirent *entry; (entry = readdir(directory));)
            if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
                unlinkat(dirfd(directory), entry->d_name, 0);
        closedir(directory);
        if (rmdir(path) == 0)
            return;
    }
}

/* Has the process mapped this file? Its path can be another one for the process. */
static bool has_mapped(pid_t pid, const char *path)
{
    struct address_space space;
    struct stat status;
    bool found = false;
    pid_t task;
    if (lstat(path, &status) != 0 || !address_space_of_files(&space, pid, &task))
        return false;
    for (size_t i = 0; i < space.count && !found; i++)
        found = space.regions[i].shared && region_is_of_file(&space.regions[i], &status);
    address_space_release(&space);
    return found;
}

/* The file for the stacks. False: the ledger is not there, or the directory is not writable. */
static bool find_place(pid_t pid, const struct ledger *ledger, const char *directory, char *path, size_t size)
{
    char beside[PATH_MAX], wanted[PATH_MAX];
    pid_t own = ledger_get_header(ledger)->pid;
    if (!ledger_process_path(pid, own, beside, sizeof(beside)))
        return false;
    char *name = strrchr(beside, '/');
    if (!name)
        return false;
    *name++ = '\0';
    if (!directory || strcmp(directory, beside) == 0)
        directory = beside;
    else if (snprintf(wanted, sizeof(wanted), "%s/%s", directory, name) >= (int)sizeof(wanted) ||
             !has_mapped(pid, wanted))
        return false;
    return access(directory, W_OK) == 0 && snprintf(path, size, "%s/" STACKS_FILE_PREFIX "%s", directory,
                                                    name + strlen(LEDGER_FILE_PREFIX)) < (int)size;
}

/* Names the mount namespace and root directory of this process. */
static void name_our_root(char *text, size_t size)
{
    char space[64];
    struct stat root = {.st_ino = 0};
    ssize_t length = readlink("/proc/self/ns/mnt", space, sizeof(space));
    stat("/", &root);
    snprintf(text, size, "%.*s %llu %llu", length > 0 ? (int)length : 0, space,
             (unsigned long long)root.st_dev, (unsigned long long)root.st_ino);
}

#define ROOT_NAME "root" /* a symbolic link to that name of `run` */

static void record_our_root(const char *directory)
{
    char path[PATH_MAX], text[128];
    name_our_root(text, sizeof(text));
    snprintf(path, sizeof(path), "%s/" ROOT_NAME, directory);
    if (symlink(text, path) != 0)
        return; /* then `save` takes this process for one with other files, which costs time only */
}

/* Does `run` find files by the same paths as this program? */
static bool run_has_our_root(const char *stacks_path)
{
    char path[PATH_MAX], ours[128], text[128];
    name_our_root(ours, sizeof(ours));
    snprintf(path, sizeof(path), "%.*s/" ROOT_NAME, (int)(strrchr(stacks_path, '/') - stacks_path),
             stacks_path);
    ssize_t length = readlink(path, text, sizeof(text));
    return length > 0 && (size_t)length == strlen(ours) && memcmp(text, ours, (size_t)length) == 0;
}

#define SKIP_NAME "skip_reach" /* exists if --find does not need it */

void run_dir_skip_reach(const char *directory)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/" SKIP_NAME, directory);
    if (symlink("1", path) != 0)
        return; /* then it is searched for, and not reported */
}

static bool is_reach_skipped(const char *stacks_path)
{
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof(path), "%.*s/" SKIP_NAME, (int)(strrchr(stacks_path, '/') - stacks_path),
             stacks_path);
    return lstat(path, &status) == 0;
}

static pid_t own_tid(pid_t pid, pid_t tid)
{
    struct task_status status;
    return tid && task_status_read(pid, tid, &status) ? status.own_tid : tid;
}

static int by_tid(const void *a, const void *b)
{
    const struct thread_stack *x = a, *y = b;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

/* The ledger of a process in another pid namespace has the tids of that namespace, which nobody can translate
 * when the process has ended. */
static void use_own_tids(struct stacks *stacks, pid_t pid)
{
    for (size_t i = 0; i < stacks->count; i++) {
        stacks->threads[i].tid = own_tid(pid, stacks->threads[i].tid);
        stacks->threads[i].wait.owner = own_tid(pid, stacks->threads[i].wait.owner);
    }
    if (stacks->count)
        qsort(stacks->threads, stacks->count, sizeof(*stacks->threads), by_tid);
}

static bool make_somewhere(char path[RUN_DIR_MAX], struct error *error)
{
    const char *wanted = getenv("TMPDIR");
    if (wanted && *wanted) {
        if (make_in(wanted, path))
            return true;
        return error_set(error, "%s: cannot create a directory there: %s; set TMPDIR to a writable directory",
                         wanted, strerror(errno));
    }
    if (is_in_memory("/dev/shm") && make_in("/dev/shm", path))
        return true;
    if (make_in("/tmp", path))
        return true;
    return error_set(error, "/tmp: cannot create a directory there: %s; set TMPDIR to a writable directory",
                     strerror(errno));
}

bool run_dir_make(char path[RUN_DIR_MAX], struct error *error)
{
    if (!make_somewhere(path, error))
        return false;
    record_our_root(path);
    return true;
}

/*
 * Each process of a run has its own `save`. So the debug information, which is the same for most of them, is
 * read once, by run. What run could not find at the same paths is read here.
 */
static struct stacks *take(pid_t pid, const struct stacks_options *options, bool same_files)
{
    struct error error;
    if (same_files)
        symbolizer_read_symbols_only(options->symbolizer);
    else
        symbolizer_see_as(options->symbolizer, pid);
    struct stacks *current = stacks_take(pid, options, &error);
    if (!current || same_files)
        return current;
    if (stacks_add_places(current, options->ledger, options->symbolizer))
        return current;
    stacks_free(current);
    return NULL;
}

/* The file of saved stacks is JSON, which has no other names. */
static bool is_utf8(const char *text)
{
    size_t length = 1;
    while (*text && length)
        text += length = character_length(text);
    return length > 0;
}

static bool has_utf8_path(pid_t pid)
{
    char *exe = process_exe(pid);
    bool is = exe && is_utf8(exe);
    free(exe);
    return is;
}

static bool save(pid_t pid, const struct ledger *ledger, const struct stacks_park *park, const char *path)
{
    char **replaced = process_replaced_files(pid);
    bool same_files = !replaced && process_has_our_root(pid) && run_has_our_root(path) && has_utf8_path(pid);
    const struct stacks_options options = {.symbolizer = symbolizer_new(false),
                                           .ledger = ledger,
                                           .park = *park,
                                           .reach = is_reach_skipped(path) ? REACH_NOTHING
                                                    : park->at             ? REACH_AVAILABLE
                                                                           : REACH_MODERATE};
    struct stacks *current = options.symbolizer ? take(pid, &options, same_files) : NULL;
    if (current) {
        current->argv = process_argv(pid);
        current->replaced = replaced;
        current->symbols_only = same_files;
        if (ledger_get_header(ledger)->pid != pid)
            use_own_tids(current, pid);
    } else {
        strings_free(replaced);
    }
    bool saved = current && stacks_save(current, path);
    stacks_free(current);
    symbolizer_free(options.symbolizer);
    return saved;
}

bool save_stacks(pid_t pid, const char *directory, const struct stacks_park *park)
{
    char path[PATH_MAX];
    struct ledger *ledger;
    struct error error;
    if (ledger_open_process(pid, &ledger, &error) != LEDGER_OPEN_OK)
        return false;
    bool kept = find_place(pid, ledger, directory, path, sizeof(path)) && save(pid, ledger, park, path);
    ledger_close(ledger);
    return kept;
}
