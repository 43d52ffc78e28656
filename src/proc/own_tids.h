/*
 * The threads of a process in another pid namespace (pid_namespaces(7)). The process and its memory know them
 * by other numbers than this program: its own tids.
 */
#ifndef THREADLEAK_PROC_OWN_TIDS_H
#define THREADLEAK_PROC_OWN_TIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct own_tids {
    struct own_tid {
        pid_t own, tid; /* there, and here */
    } * items;          /* by ascending own */
    size_t count;
    bool differ; /* false: the process is in the namespace of this program, and `items` is empty */
};

/* Threads that cannot be read are left out. */
void own_tids_read(struct own_tids *tids, pid_t pid);
void own_tids_release(struct own_tids *tids);
/* The tid here; 0: no thread of the process has it. The argument if they do not differ. */
pid_t own_tids_find(const struct own_tids *tids, pid_t own);

/* A child of a process, by the pid that it has in the pid namespace of that process: its pid here. 0: none is
 * found, or the child is in a namespace of its own. */
pid_t own_child_find(pid_t pid, pid_t own);

#endif
