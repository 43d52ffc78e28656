/*
 * glibc's descriptors of threads (struct pthread), and its lists of them.
 *
 * The offsets are those that glibc exports for thread debuggers (nptl_db/structs.def: _thread_db_*). Another
 * libc, or a glibc before 2.34, has no such symbols in its dynamic section, and nothing is known then.
 */
#ifndef THREADLEAK_NPTL_NPTL_H
#define THREADLEAK_NPTL_NPTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot/dynamic.h"
#include "snapshot/snapshot.h"

/* Where the descriptors of a process are. It stays valid as long as the process runs the same program. */
struct nptl {
    uint64_t size;                                     /* of a descriptor */
    uint64_t list, tid, cancelhandling, start, result; /* offsets in it; 0: unknown */
    uint64_t dtv; /* the same, of the pointer to its table of thread-local storage */
    /* Addresses of the lists: stacks from glibc, from the program, and free ones; 0: unknown. */
    uint64_t used, user, cache;
};

/* What a descriptor contains now. */
struct nptl_thread {
    uint64_t handle; /* pthread_t, which is its address */
    pid_t tid; /* in the pid namespace of the process; 0: it has ended, and was not joined; below 0: it was
                * joined */
    uint64_t start, arg; /* start routine, and its argument; 0: unknown, or the main thread */
    bool detached;
};

/* Reads the layout. False: it is not known. */
bool nptl_read(struct nptl *nptl, const struct snapshot *snapshot);
/* The same in two steps, for a caller who knows the symbols of libc.so.6 and the address of the loader's
 * _rtld_global. False: not known. */
bool nptl_read_libc(struct nptl *nptl, const struct snapshot_dynamic *libc);
bool nptl_place_lists(struct nptl *nptl, uint64_t rtld_global);
/* Where errno of a thread is, from its descriptor. False: not known. */
bool nptl_find_errno(const struct nptl *nptl, const struct snapshot_dynamic *libc, uint64_t rtld_global,
                     int64_t *offset);
/* Reads one descriptor. False: its memory cannot be read. */
bool nptl_read_thread(const struct nptl *nptl, const struct snapshot *snapshot, uint64_t handle,
                      struct nptl_thread *thread);
/*
 * Reads the descriptors of all threads that have not been joined, without stopping the process: one that is
 * created or joined meanwhile can be missing, and then *whole is false. The caller frees the array. False:
 * out of memory, or that of the process cannot be read.
 */
bool nptl_read_threads(const struct nptl *nptl, const struct snapshot *snapshot, struct nptl_thread **threads,
                       size_t *count, bool *whole);

#endif
