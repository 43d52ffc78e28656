/*
 * Present stacks without ptrace: a thread takes its own in a signal handler.
 *
 * The reporter asks, by a real-time signal that the shim reserved at the first
 * thread creation where the program had left it at its default.  It sends it to
 * one thread after the other, from outside, and looks at each before: so nothing
 * of ours waits or keeps count in the program, and what the handler does is
 * bounded, unwinds and writes one record of the ledger.
 *
 * Do no harm:
 *  - A signal that is the program's by now would run its handler, or end it: the
 *    default action is that.  The functions that change a disposition are hooked,
 *    and the ledger says 0 from before such a change until the signal is known to
 *    be ours.  A change past libc (Go's runtime) comes, as far as is known, before
 *    the first thread; then none is reserved.  The sender looks into SigCgt, too.
 *  - The program is told SIG_DFL where it asks for the old disposition, and what
 *    is not a request (kill -63) does what it would have done: it ends.
 *  - A thread that blocks the signal is not sent it, since a sigwait() or a
 *    signalfd of the program's could get to see it.
 *  - The handler uses the alternate stack where there is one (Go's goroutines have
 *    2 KiB of their own), and unwinds on memory of its own wherever it runs.
 *  - It waits for no lock that another thread may hold for long: not the loader's,
 *    see capture.h.
 *  - A signal makes some system calls fail with EINTR although SA_RESTART is set:
 *    nanosleep, poll, epoll_wait, sigtimedwait … (signal(7)).  That is the price of
 *    having no ptrace, which the reporter therefore tries first.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_SIGNAL_CAPTURE_H
#define THREADLEAK_PRELOAD_BACKTRACE_SIGNAL_CAPTURE_H

#include <stdbool.h>

#include "preload/shim/state.h"

/* Once per program. */
void signal_capture_start(void);

/* By the first creation of a process: reserves the signal. */
void signal_capture_arm(struct shim_state *state);

/* Around a change of a signal's disposition by the program. */
void signal_capture_before_change(int number);
void signal_capture_after_change(int number);

/* Is this our handler?  For what the program is told. */
bool signal_capture_is_handler(void (*handler)(int));

/* The program put itself into a sandbox (sure), or is about to: a handler's system
 * calls may be its death.  A first filter the reporter sees in /proc itself. */
void signal_capture_sandboxed(bool sure);

#endif
