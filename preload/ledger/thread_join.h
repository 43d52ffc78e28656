/* Join and detach, and the search for a thread by its handle. */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_JOIN_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_JOIN_H

#include <pthread.h>

#include "preload/shim/state.h"

/*
 * Finds the record by a pthread_t: by the descriptor (descriptor.h), or by the static TLS of the thread,
 * which has the slot once the thread runs. Both are correct while the handle is valid, and the real functions
 * read the same memory.
 */
struct thread_ref {
    struct ledger_slot *slot; /* NULL: untracked, or not yet known */
    uint64_t serial;          /* a different serial in the slot later means another thread */
};
struct thread_ref thread_find(const struct shim_state *state, pthread_t handle);

/* Call them before and after the real function. state: NULL: no effect, see hook.h. After a join the
 * pthread_t can belong to another thread. */
struct detach {
    struct thread_ref thread;
    pthread_t handle;
    uint32_t before; /* SLOT_* then; 0: not known */
};
struct detach detach_begin(struct shim_state *state, pthread_t handle);
/* detached: the real call succeeded.  caller: the return address of the hook. */
void detach_end(struct shim_state *state, const struct detach *detach, bool detached, void *caller);

struct join {
    struct thread_ref thread;
    pthread_t handle;
    uint32_t before; /* SLOT_* then; 0: not known */
    bool marked;     /* join_begin set SLOT_JOINING */
};
struct join join_begin(struct shim_state *state, pthread_t handle);
/* joined: the real call succeeded.  caller: the return address of the hook. */
void join_end(struct shim_state *state, const struct join *join, bool joined, void *caller);

#endif
