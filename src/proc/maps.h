/* The files that a process maps, from /proc/PID/maps. */
#ifndef THREADLEAK_PROC_MAPS_H
#define THREADLEAK_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

struct mapping {
    uint64_t start, end, offset, inode;
    unsigned major, minor; /* of the device */
    bool shared;
    char path[4096]; /* as the reader would name it, without " (deleted)"; "/memfd:NAME" */
};

struct maps {
    /*
     * Whose /proc/TASK was read: the pid, or, where the main thread has left by
     * pthread_exit and is a zombie without memory until the others are gone,
     * the tid of one of those.  /proc/TASK/exe, mem … work as for a pid.
     */
    pid_t task;
    bool empty; /* no memory at all: a kernel thread, or the whole process has ended */
    FILE *file;
    char *line;
    size_t line_size;
    struct mapping mapping;
};

/* False with errno; EACCES also for a process that hidepid= hides. */
bool maps_open(struct maps *maps, pid_t pid);
/* The next mapping of a file, valid until the next call; NULL after the last. */
const struct mapping *maps_next(struct maps *maps);
void maps_close(struct maps *maps);

bool mapping_is_of(const struct mapping *mapping, const struct stat *st);

#endif
