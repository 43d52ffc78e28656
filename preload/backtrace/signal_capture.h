/*
 * Current stacks without ptrace: a thread records its own stack in a signal handler.
 *
 * The shim reserves a real-time signal at the first thread creation, if the program left
 * one at its default.  The reporter sends it to one thread after the other.  The handler
 * unwinds and writes one record of the ledger: nothing in the program waits or counts.
 *
 * How it does no harm:
 *  - The default action of the signal would end the program, and a handler of the program must not get it. So
 *    the functions that change a disposition are hooked. The ledger has 0 from before such a change until the
 *    signal is known to be ours. Go's runtime changes it by system calls, but before its first thread. Then
 *    the shim reserves no signal. The sender reads SigCgt, too.
 *  - The program gets SIG_DFL as the old disposition.  A signal that is no request (kill
 *    -63) does what it would do without the shim: it ends the program.
 *  - The reporter sends nothing to a thread that blocks the signal, because sigwait() or a signalfd of the
 *    program could get it.
 *  - The handler uses the alternate stack if there is one, as Go's goroutines have 2 KiB.
 *    It always unwinds on its own memory.
 *  - The handler waits for no lock that another thread can hold for long (capture.h).
 *  - Some system calls fail with EINTR in spite of SA_RESTART: nanosleep, poll, epoll_wait,
 *    sigtimedwait and others (signal(7)).  So the reporter tries ptrace first.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_SIGNAL_CAPTURE_H
#define THREADLEAK_PRELOAD_BACKTRACE_SIGNAL_CAPTURE_H

#include <stdbool.h>

#include "preload/shim/state.h"

/* Call it once per program. */
void signal_capture_start(void);

/* Reserves the signal. Call it at the first thread creation of a process. */
void signal_capture_arm(struct shim_state *state);

/* Call them before and after the program changes a disposition. */
void signal_capture_before_change(int number);
void signal_capture_after_change(int number);

/* Is this our handler?  The program must not see it. */
bool signal_capture_is_handler(void (*handler)(int));

/* The program entered a sandbox (sure), or is about to. Then system calls of a handler can kill it. */
void signal_capture_sandboxed(bool sure);

#endif
