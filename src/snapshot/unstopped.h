/*
 * Threads that a snapshot does not stop, because a stop would change the result of their system call
 * (calls.def). Their registers are those that /proc/TID/syscall has.
 *
 * It has nothing about a running thread, which may be in a call, too: a write to a pipe copies until the pipe
 * is full, and sleeps then. A stop while it copies makes it return how much it has copied. So a running
 * thread is stopped only if it has not slept for a while (awake.h). One that was seen in a call that a stop
 * would change, or has slept while it was sampled, is sampled until it is in a call.
 */
#ifndef THREADLEAK_SNAPSHOT_UNSTOPPED_H
#define THREADLEAK_SNAPSHOT_UNSTOPPED_H

#include "snapshot/snapshot.h"
#include "snapshot/tracee.h"

/*
 * Sets the state of new tracees to TRACEE_UNSTOPPED where they must not be stopped. One that runs all the
 * time while it is read may be in that state, too.
 */
enum unstopped_how {
    UNSTOPPED_PATIENTLY, /* nothing is stopped yet: running threads are read again for some milliseconds */
    UNSTOPPED_AT_ONCE,
    UNSTOPPED_NONE, /* only reads the calls: all threads may be stopped */
};
void unstopped_choose(pid_t pid, struct tracee *tracees, size_t count, enum unstopped_how how);
/* The same for one tracee in any state but TRACEE_STOPPED: sets it to TRACEE_UNSTOPPED, TRACEE_NEW or
 * TRACEE_ENDED. */
void unstopped_choose_one(pid_t pid, struct tracee *tracee);

/* The same for a seized tracee that was found running, just before it is stopped. */
void unstopped_check(pid_t pid, struct tracee *tracee);

/* Sets the registers of a thread that is left running. */
void unstopped_set_regs(const struct tracee *tracee, struct snapshot_thread *thread);
/* Sets the call of a thread that was stopped in it, where its registers do not show it: the call has returned
 * a part of its data, or an error. */
void unstopped_set_call(const struct tracee *tracee, struct snapshot_thread *thread);
/* Is it in the same call as when it was chosen? True: what was copied since then is its stack. */
bool unstopped_is_steady(pid_t pid, const struct tracee *tracee);
/* Sets `moved` of all: it was left running, and is not in that call any more. */
void unstopped_set_moved(pid_t pid, struct tracee *tracees, size_t count);

#endif
