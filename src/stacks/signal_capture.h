/*
 * Current stacks without ptrace: each thread of a watched process records its own stack when it gets the
 * shim's reserved signal (ledger.h, "current stacks").
 *
 * Each thread is checked in /proc before the signal is sent. It gets no signal if it blocks the signal or
 * waits for signals, because the program would notice; if its stack may be too small for a handler; if it is
 * stopped or traced; or if libc did not create it. The kernel does not show on which stack a running thread
 * is. The signal is sent only if its handler is known to be the shim's.
 *
 * A program can notice: a system call that a handler interrupts may fail with EINTR (signal(7)). So use this
 * only if snapshot_take() is refused.
 */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_H

#include "stacks/captured.h"

enum signal_capture_status {
    SIGNAL_CAPTURE_OK,     /* even if no stack was taken: see the reasons */
    SIGNAL_CAPTURE_OFF,    /* not watched, or no signal is reserved, or a sandbox; error has the reason */
    SIGNAL_CAPTURE_FAILED, /* no such process, or it may not be read or signalled */
};

/* wait_ms: time limit for all answers together; 0: 1000. */
enum signal_capture_status signal_capture_take(pid_t pid, unsigned wait_ms, struct signal_capture **capture,
                                               struct error *error);
#endif
