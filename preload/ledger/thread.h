/*
 * The life of a thread, as the ledger records it.  The sole place that changes
 * slots and counters.  Everything here is lock-free, leaves nothing held, and
 * may be called by any thread and in a signal handler.
 *
 *   creator:  thread_new → real create → thread_created | thread_dropped
 *   child:    thread_started … thread_ended
 *   joiner:   join_begin → real join → join_end
 *   anybody:  detach_begin → real detach → detach_end
 *
 * A slot lives until its thread has ended, and was joined or detached.  The creator
 * leaves it alone once the thread may run, and a joiner or detacher knows by the
 * serial whether it is still the same thread's.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/shim/state.h"

/* The creator's own: once the real create has succeeded it never touches the slot,
 * which may be another thread's by then. */
struct new_thread {
    uint32_t site;
    int64_t live_then[2]; /* thread_new's note: what the peaks of site and process would be; 0: no new peak */
    uint64_t start, arg;
    uint64_t created_by; /* serial */
    uint64_t now_ns;
    bool detached;
    bool small_stack;
};

/* A record for a thread about to be created; NULL and a lost event: no room. */
struct ledger_slot *thread_new(struct shim_state *state, struct new_thread *thread);

/* The real create failed: as if it had never been asked for. */
void thread_dropped(struct shim_state *state, struct ledger_slot *slot);

/* The real create succeeded.  What it stored as pthread_t is not looked at: by
 * now that memory may be the child's to free, or hold another thread's. */
void thread_created(struct shim_state *state, const struct new_thread *thread);

/* By the child, before its start routine, with its thread-local state set. */
void thread_started(struct shim_state *state, struct ledger_slot *slot, pthread_t self, int32_t tid);

/* By the child, after the last of its destructors.  The slot may be gone when it returns. */
void thread_ended(struct shim_state *state, struct ledger_slot *slot, uint64_t now_ns);

/*
 * From a pthread_t to the record.  glibc keeps the start routine and argument
 * that it was given in the thread's own descriptor, to which the pthread_t
 * points, from before the thread runs until the memory is used again: they are
 * our trampoline and the slot.  Where another library stands between (ASan's
 * pthread_create), the thread's own static TLS holds the slot, once it runs.
 * Neither can be stale or another thread's while the handle is valid, and the
 * real functions read the same memory.
 */
struct thread_ref {
    struct ledger_slot *slot; /* NULL: untracked, or not known yet */
    uint64_t serial;          /* of the slot then: another one now is another thread */
};
struct thread_ref thread_find(const struct shim_state *state, pthread_t handle);

/* Around the real detach. */
struct detach {
    struct shim_state *state; /* NULL: nothing is done */
    struct thread_ref thread;
    pthread_t handle;
};
struct detach detach_begin(struct shim_state *state, pthread_t handle);
void detach_end(const struct detach *detach, bool detached);

/* Around the real join.  As soon as that has succeeded the pthread_t may be
 * another thread's. */
struct join {
    struct shim_state *state; /* NULL: nothing is done */
    struct thread_ref thread;
    pthread_t handle;
    bool marked; /* we set SLOT_JOINING */
};
struct join join_begin(struct shim_state *state, pthread_t handle);
/* `joined`: the real call succeeded.  `caller`: its return address. */
void join_end(const struct join *join, bool joined, void *caller);

/* Records a name that the system accepted. */
void thread_named(struct ledger_slot *slot, const char *name);

/* Tracked threads alive now, the main thread not among them. */
int64_t ledger_live(const struct ledger_header *header);

#endif
