/* Files and directories of /proc. */
#ifndef THREADLEAK_PROC_FILE_H
#define THREADLEAK_PROC_FILE_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

/* Bytes that are read of the arguments and of the environment of a process. execve allows 6 MiB of both
 * (execve(2)), but a process can declare any of its memory to be these (prctl(2), PR_SET_MM). */
enum { PROC_ARGUMENTS_MAX = 6 << 20 };

struct proc_path {
    char text[128];
};

/*
 * "/proc/" and the formatted arguments. The string is valid until the end of the block, and has at most 127
 * bytes.
 *
 *     DIR *tasks = opendir(PROC_PATH("%d/task", pid));
 */
#define PROC_PATH(...) proc_path(&(struct proc_path){""}, __VA_ARGS__)
const char *proc_path(struct proc_path *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads at most size - 1 bytes of a file of /proc with one read, and appends a NUL. Returns the number of
 * bytes. -1 with errno: it cannot be read, and `to` is "". */
ssize_t proc_read(const char *path, char *to, size_t size);

/* The number at the beginning of the file; `otherwise` if it cannot be read. */
long proc_read_number(const char *path, long otherwise);

/* The next entry whose name is a number: a process of /proc, a task, a descriptor.  -1: no more. */
long proc_next_number(DIR *directory);

#endif
