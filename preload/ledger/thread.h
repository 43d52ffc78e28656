/*
 * The life of a thread, as the ledger records it.  Only this file and thread_join.h change
 * slots and counters.  Every function is lock-free, and can be called in a signal handler.
 *
 *   creator:  thread_new → real create → thread_created | thread_failed
 *   child:    thread_started … thread_ended
 *   joiner:   join_begin → real join → join_end
 *   anybody:  detach_begin → real detach → detach_end
 *
 * A slot is free when its thread has ended, and was joined or detached.  The creator must
 * not use it once the thread can run.  A joiner or detacher compares its serial.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/shim/guard.h"
#include "preload/shim/state.h"

/* The creator keeps this, because after the real create the slot can belong to another thread. */
struct new_thread {
    uint32_t site;
    int64_t live_then[2]; /* set by thread_new: new peaks of site and process; 0: none */
    uint64_t start, arg;
    uint64_t created_by; /* serial */
    uint32_t test;       /* test_of_new_thread() */
    uint64_t now_ns;
    bool detached;
    bool small_stack;
    struct passed passed;
};

/* A record for a thread that is created now. NULL: the section is full; this counts a lost event. */
struct ledger_slot *thread_new(struct shim_state *state, struct new_thread *thread);

/* The real create failed: gives the slot back, and counts the failure. error: errno; 0: thrd_error. */
void thread_failed(struct shim_state *state, struct ledger_slot *slot, const struct new_thread *thread,
                   int error);
void thread_dropped(struct shim_state *state, struct ledger_slot *slot); /* gives it back */

/* The real create succeeded.  It does not read the stored pthread_t: the child can have
 * freed that memory, or the program can have stored another thread there. */
void thread_created(struct shim_state *state, const struct new_thread *thread);

/* In the child, before its start routine.  shim_tls must be set. */
void thread_started(struct shim_state *state, struct ledger_slot *slot, pthread_t self, int32_t tid);

/* In the child, after the last of its destructors.  The slot can be free when it returns. */
void thread_ended(struct shim_state *state, struct ledger_slot *slot, uint64_t now_ns);

/* The serial of the calling thread; 0: untracked. */
uint64_t thread_own_serial(const struct shim_state *state);

/* Records a name that the system has accepted. */
void thread_named(struct ledger_slot *slot, const char *name);

/* Number of live tracked threads, without the main thread. */
int64_t ledger_live(const struct shim_state *state);

#endif
