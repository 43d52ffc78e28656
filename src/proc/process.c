#include "proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "proc/address_space.h"
#include "proc/file.h"
#include "proc/tasks.h"
#include "proc/status.h"

bool process_exists(pid_t pid)
{
    struct task_stat stat;
    bool alive = false;
    DIR *tasks = pid > 0 ? opendir(PROC_PATH("%d/task", pid)) : NULL;
    if (!tasks) /* hidepid= hides it from /proc, not from kill */
        return pid > 0 && kill(pid, 0) != 0 && errno == EPERM;
    /* The main thread may be a zombie while other threads run. */
    for (long tid; !alive && (tid = proc_next_number(tasks)) >= 0;)
        alive = task_stat_read(pid, (pid_t)tid, &stat) && !task_state_is_end(stat.state);
    closedir(tasks);
    return alive;
}

static bool maps(pid_t pid, bool (*is_it)(const char *path, const char *name), const char *name)
{
    struct address_space space;
    pid_t task;
    bool found = false;
    if (!address_space_of_files(&space, pid, &task))
        return false;
    for (size_t i = 0; !found && i < space.count; i++)
        found = is_it(space.regions[i].path, name);
    address_space_release(&space);
    return found;
}

static bool has_basename(const char *path, const char *name)
{
    return strcmp(path_basename(path), name) == 0;
}

static bool is_in_directory(const char *path, const char *name)
{
    size_t length = strlen(name);
    return strncmp(path, name, length) == 0 && path[length] == '/';
}

bool process_maps_file(pid_t pid, const char *basename)
{
    return maps(pid, has_basename, basename);
}

bool process_maps_file_in(pid_t pid, const char *directory)
{
    return maps(pid, is_in_directory, directory);
}

char *process_exe(pid_t pid)
{
    char path[4096];
    ssize_t n = readlink(PROC_PATH("%d/exe", task_with_memory(pid)), path, sizeof(path) - 1);
    if (n <= 0)
        return NULL;
    path[n] = 0;
    path_cut_deleted(path);
    return strdup(path);
}

#define CUT "(cut)" /* the last argument of too many */

/* Malloc'ed; NULL: not readable, or empty. */
static char *read_cmdline(pid_t pid, size_t *size)
{
    int fd = open(PROC_PATH("%d/cmdline", task_with_memory(pid)), O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : read_beginning(fd, PROC_ARGUMENTS_MAX, size);
    if (fd >= 0)
        close(fd);
    if (text && *size == PROC_ARGUMENTS_MAX)
        memcpy(text + *size - sizeof(CUT), "\0" CUT, sizeof(CUT));
    if (text && *size)
        return text;
    free(text);
    return NULL;
}

char **process_argv(pid_t pid)
{
    size_t size, argc = 0;
    char *text = read_cmdline(pid, &size);
    if (!text)
        return NULL;
    /* A program that sets a shorter title fills the rest of the arguments with NULs. */
    size_t used = size;
    while (used && !text[used - 1])
        used--;
    if (size - used > 2)
        size = used + 1;
    for (size_t at = 0; at < size; at += strlen(text + at) + 1)
        argc++;
    /* One block, with the strings after the pointers. */
    char **argv = malloc((argc + 1) * sizeof(*argv) + size + 1);
    if (argv) {
        char *next = memcpy(argv + argc + 1, text, size);
        next[size] = 0;
        for (size_t i = 0; i < argc; i++) {
            argv[i] = next;
            next += strlen(next) + 1;
        }
        argv[argc] = NULL;
    }
    free(text);
    return argv;
}

pid_t process_parent(pid_t pid)
{
    struct task_stat stat;
    return task_stat_read(pid, 0, &stat) ? stat.parent : 0;
}

bool process_shares_namespace(pid_t pid, const char *kind)
{
    char ours[64], theirs[64];
    ssize_t size = readlink(PROC_PATH("self/ns/%s", kind), ours, sizeof(ours));
    if (size < 0)
        return errno == ENOENT;
    return readlink(PROC_PATH("%d/ns/%s", pid, kind), theirs, sizeof(theirs)) == size &&
           memcmp(ours, theirs, (size_t)size) == 0;
}

bool process_has_our_root(pid_t pid)
{
    struct stat ours, theirs;
    return process_shares_namespace(pid, "mnt") && stat("/", &ours) == 0 &&
           stat(PROC_PATH("%d/root", pid), &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}
