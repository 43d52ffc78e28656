#include "cli/common/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proc/process.h"
#include "proc/status.h"
#include "proc/file.h"
#include "stacks/stacks.h"

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

bool run_dir_make(char path[RUN_DIR_MAX], struct error *error)
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

void run_dir_remove(const char *path)
{
    /* A live process may create a new file there. */
    for (int attempt = 0; attempt < 10; attempt++) {
        DIR *directory = opendir(path);
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

/* The file for the stacks. False: the ledger is not there, or the directory is not writable. */
static bool find_place(pid_t pid, const struct ledger *ledger, const char *directory, char *path, size_t size)
{
    char beside[PATH_MAX];
    pid_t own = ledger_get_header(ledger)->pid;
    if (!ledger_process_path(pid, own, beside, sizeof(beside)))
        return false;
    char *name = strrchr(beside, '/');
    if (!name)
        return false;
    *name++ = '\0';
    if ((directory && strcmp(directory, beside) != 0) || access(beside, W_OK) != 0)
        return false;
    return snprintf(path, size, "%s/" STACKS_FILE_PREFIX "%s", beside, name + strlen(LEDGER_FILE_PREFIX)) <
           (int)size;
}

/* Does `run` find files by the same paths as the process? */
static bool has_our_files(pid_t pid)
{
    struct stat ours, theirs;
    return process_shares_namespace(pid, "mnt") && stat("/", &ours) == 0 &&
           stat(PROC_PATH("%d/root", pid), &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
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

/* Each process of a run has its own `save`. So the debug information, which is the same for most of them, is
 * read once, by run. */
static bool save(pid_t pid, const struct ledger *ledger, const struct stacks_park *park, const char *path)
{
    struct error error;
    const struct stacks_options options = {
        .symbolizer = symbolizer_new(false), .ledger = ledger, .park = *park};
    bool symbols_only = has_our_files(pid);
    if (options.symbolizer && symbols_only)
        symbolizer_read_symbols_only(options.symbolizer);
    struct stacks *current = options.symbolizer ? stacks_take(pid, &options, &error) : NULL;
    if (current) {
        current->argv = process_argv(pid);
        current->symbols_only = symbols_only;
        if (ledger_get_header(ledger)->pid != pid)
            use_own_tids(current, pid);
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
