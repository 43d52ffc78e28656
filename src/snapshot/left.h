/*
 * Threads that a snapshot leaves running, because a stop would change the result of their system call
 * (calls.def). Their registers are those that /proc/TID/syscall has.
 */
#ifndef THREADLEAK_SNAPSHOT_LEFT_H
#define THREADLEAK_SNAPSHOT_LEFT_H

#include "snapshot/snapshot.h"
#include "snapshot/tracee.h"

/*
 * Sets the state of new tracees to TRACEE_LEFT where they must not be stopped. A thread that runs is read
 * again for some milliseconds: one that writes much data may run now and be blocked a moment later.
 */
enum left_how {
    LEFT_PATIENTLY, /* nothing is stopped yet */
    LEFT_AT_ONCE,
    LEFT_NONE, /* only reads the calls: all threads may be stopped */
};
void left_choose(pid_t pid, struct tracee *tracees, size_t count, enum left_how how);
/* The same for one tracee in any state but TRACEE_STOPPED: sets it to TRACEE_LEFT, TRACEE_NEW or
 * TRACEE_ENDED. */
void left_choose_one(pid_t pid, struct tracee *tracee);

/* Sets the registers of a thread that is left running. */
void left_set_regs(const struct tracee *tracee, struct snapshot_thread *thread);
/* Sets the call of a thread that was stopped in it, where its registers do not show it: the call has returned
 * a part of its data, or an error. */
void left_set_call(const struct tracee *tracee, struct snapshot_thread *thread);
/* Is it in the same call as when it was chosen? True: what was copied since then is its stack. */
bool left_is_steady(pid_t pid, const struct tracee *tracee);

#endif
