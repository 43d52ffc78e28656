/*
 * The life of a thread, as the ledger records it.  The sole place that changes
 * slots and counters.  Everything here is lock-free, leaves nothing held, and
 * may be called by any thread and in a signal handler.
 *
 *   creator:  thread_new → real create → thread_created | thread_dropped
 *   child:    thread_started … thread_ended
 *   joiner:   join_begin → real join → join_end
 *   anybody:  thread_find → real detach → thread_detached
 *
 * A slot lives until its creator is done with it, its thread has ended, and the
 * thread was joined or detached.  So a creator or joiner that is delayed never
 * finds its slot reused, whatever became of the pthread_t meanwhile.
 */
#ifndef THREADLEAK_LEDGER_WRITE_H
#define THREADLEAK_LEDGER_WRITE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim.h"

struct new_thread {
    uint32_t site;
    uint64_t start, arg;
    uint64_t created_by; /* serial */
    uint64_t now_ns;
    bool detached;
    bool small_stack;
};

/* A record for a thread about to be created; NULL and a lost event: no room. */
struct ledger_slot *thread_new(struct shim_state *state, const struct new_thread *thread);

/* The real create failed: as if it had never been asked for. */
void thread_dropped(struct shim_state *state, struct ledger_slot *slot);

/* The real create succeeded.  `handle` is where it left the pthread_t; it is
 * only read while the child can not have run, since afterwards the memory may
 * be the child's to free. */
void thread_created(struct shim_state *state, struct ledger_slot *slot, const pthread_t *handle);

/* By the child, before its start routine. */
void thread_started(struct shim_state *state, struct ledger_slot *slot, pthread_t self, int32_t tid);

/* By the child, after the last of its destructors.  The slot may be gone when it returns. */
void thread_ended(struct shim_state *state, struct ledger_slot *slot, uint64_t now_ns);

/* The live or unjoined thread of this handle; NULL: none that we know. */
struct ledger_slot *thread_find(struct shim_state *state, pthread_t handle);

/* After the real detach succeeded. */
void thread_detached(struct shim_state *state, struct ledger_slot *slot);

/* What a join must remember.  The record is taken before the real call: as soon
 * as that has succeeded the pthread_t may be another thread's. */
struct join {
    struct shim_state *state;
    struct ledger_slot *slot; /* NULL: unknown or somebody else joins it */
    pthread_t handle;
};
struct join join_begin(struct shim_state *state, pthread_t handle);
/* `joined`: the real call succeeded.  `caller`: its return address. */
void join_end(const struct join *join, bool joined, void *caller);

/* Tracked threads alive now, the main thread not among them. */
int64_t ledger_live(const struct ledger_header *header);

/* Records a name that the system accepted. */
void thread_named(struct ledger_slot *slot, const char *name);

#endif
