/*
 * glibc's descriptor of a thread (struct pthread), which a pthread_t points to. It contains the start routine
 * and argument that glibc got: our trampoline and the slot's birth. They are valid from before the thread
 * runs until the memory is reused. If another library's pthread_create is called between (ASan), it contains
 * that library's routine.
 *
 * It also shows what no hook saw: a join or detach by a function that the program found with dlsym, and a
 * thread that ended by the system call exit.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_DESCRIPTOR_H
#define THREADLEAK_PRELOAD_LEDGER_DESCRIPTOR_H

#include <pthread.h>

#include "preload/shim/state.h"

/* The slot that the descriptor of a valid handle names. NULL: it names none. */
struct ledger_slot *descriptor_slot(const struct shim_state *state, pthread_t handle);

/*
 * Marks a thread that is detached, or does not exist any more, but was not recorded so. This can free the
 * slot. Without proof it has no effect: the memory cannot be read, or this libc is not known.
 * Async-signal-safe.
 */
void descriptor_check(const struct shim_state *state, struct ledger_slot *slot);

/* The same for all slots. Call it when the section is full. */
void descriptor_check_all(const struct shim_state *state);

#endif
