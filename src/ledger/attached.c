#include "ledger/attached.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "proc/status.h"

#define ROOT_DIRECTORY "/run/threadleak"

/* False: this user has no directory. */
static bool own_directory(char directory[ATTACHED_PATH])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (geteuid() == 0)
        return snprintf(directory, ATTACHED_PATH, "%s", ROOT_DIRECTORY) > 0;
    return runtime && runtime[0] == '/' &&
           snprintf(directory, ATTACHED_PATH, "%s/threadleak", runtime) < ATTACHED_PATH - 64;
}

/* False: there is no such process. */
static bool path_in(char path[ATTACHED_PATH], const char *directory, pid_t pid)
{
    struct task_stat stat;
    return task_stat_read(pid, 0, &stat) && snprintf(path, ATTACHED_PATH, "%s/%d.%" PRIu64, directory,
                                                     (int)pid, stat.start_ticks) < ATTACHED_PATH;
}

static bool is_ours_alone(const char *directory)
{
    struct stat status;
    return lstat(directory, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           !(status.st_mode & (S_IWGRP | S_IWOTH));
}

static bool is_locked(int fd)
{
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        return errno == EWOULDBLOCK;
    flock(fd, LOCK_UN);
    return false;
}

/* PID.STARTTIME of a process that does not exist any more. */
static bool is_of_ended(const char *name)
{
    struct task_stat stat;
    uint64_t start;
    int pid, length = 0;
    if (sscanf(name, "%d.%" SCNu64 "%n", &pid, &start, &length) != 2 || name[length])
        return false;
    return !task_stat_read(pid, 0, &stat) || stat.start_ticks != start;
}

/* An attach that was killed leaves its file. */
static void remove_stale(const char *directory)
{
    DIR *files = opendir(directory);
    for (struct dirent *entry; files && (entry = readdir(files));) {
        int fd = is_of_ended(entry->d_name)
                     ? openat(dirfd(files), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
                     : -1;
        if (fd < 0)
            continue;
        if (!is_locked(fd))
            unlinkat(dirfd(files), entry->d_name, 0);
        close(fd);
    }
    if (files)
        closedir(files);
}

bool attached_make_path(pid_t pid, char path[ATTACHED_PATH], struct error *error)
{
    char directory[ATTACHED_PATH];
    if (!own_directory(directory))
        return error_set(error, "XDG_RUNTIME_DIR is not set; set it to a directory for the ledger");
    if (mkdir(directory, geteuid() == 0 ? 0755 : 0700) != 0 && errno != EEXIST)
        return error_set(error, "cannot make %s: %s", directory, strerror(errno));
    if (!is_ours_alone(directory))
        return error_set(error, "%s belongs to or can be written by others; remove it", directory);
    remove_stale(directory);
    if (!path_in(path, directory, pid))
        return error_set(error, "no process %d", (int)pid);
    return true;
}

static int open_in(const char *directory, uid_t owner, pid_t pid)
{
    char path[ATTACHED_PATH];
    struct stat status;
    int fd = path_in(path, directory, pid) ? regular_file_open_here(path, &status) : -1;
    if (fd < 0 || (status.st_uid == owner && is_locked(fd)))
        return fd;
    close(fd);
    return -1;
}

int attached_open(pid_t pid)
{
    char directory[ATTACHED_PATH];
    int fd = open_in(ROOT_DIRECTORY, 0, pid);
    if (fd < 0 && geteuid() != 0 && own_directory(directory))
        fd = open_in(directory, geteuid(), pid);
    return fd;
}
