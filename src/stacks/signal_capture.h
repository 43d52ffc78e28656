/*
 * Current stacks without ptrace: the threads of a watched process take their own when the shim's reserved
 * signal asks them to (ledger.h, "current stacks").
 *
 * Each thread is checked in /proc before it is sent the signal.  It is not sent when it blocks the signal or
 * waits for signals, since the program would notice; when its stack has no room for a handler, or may have
 * none; when it is stopped or traced; and when libc did not create it.  On which stack a running thread is,
 * the kernel does not show.  No thread is sent the signal unless its handler is known to be the shim's.
 *
 * A program can notice: a system call that a handler interrupts may fail with EINTR (signal(7)).  So this is
 * for where snapshot_take() is refused.
 */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_H

#include "stacks/captured.h"

enum signal_capture_status {
    SIGNAL_CAPTURE_OK,     /* also when no stack was taken: see the reasons */
    SIGNAL_CAPTURE_OFF,    /* not watched, or no signal is reserved, or a sandbox; error says which */
    SIGNAL_CAPTURE_FAILED, /* no such process, or it may not be read or signalled */
};

/* wait_ms: for the answers, all together; 0: 1000. */
enum signal_capture_status signal_capture_take(pid_t pid, unsigned wait_ms, struct signal_capture **capture,
                                               struct error *error);
#endif
