/*
 * COMMAND as a child process. It is in the process group and session of run. It gets the descriptors, the
 * signal mask and the signal dispositions that run was started with.
 */
#ifndef THREADLEAK_CLI_RUN_CHILD_H
#define THREADLEAK_CLI_RUN_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct run_child {
    pid_t pid;
    int go;     /* if it is closed without a write, the child ends before its exec */
    int failed; /* the child writes errno of a failed exec there; -1: closed */
    sigset_t mask_before;
    struct sigaction sigchld_before;
};

/* Forks. Every signal that can be forwarded is blocked in this process until run_child_end. The child waits
 * for run_child_exec. */
bool run_child_fork(struct run_child *child, char *const argv[], char *const envp[], struct error *error);

/* Lets the child exec.  Returns 0, or the errno with which exec failed. */
int run_child_exec(struct run_child *child);

/*
 * Waits until the child has ended, and forwards signals meanwhile. Sets its wait status.
 * The child stays a zombie, so that no other process gets its pid. seconds: the limit; 0:
 * none. False: it still runs.
 */
bool run_child_wait(struct run_child *child, double seconds, int *wait_status);

/*
 * Reaps the child, and restores the signal mask. A child that has not called exec yet ends. timeout(1) sends
 * a signal twice, to the process and to its group, so no signal ends run for GRACE seconds. A later signal
 * ends run with a message, and removes the files in `temporaries`.
 */
#define RUN_CHILD_GRACE_S 2
void run_child_end(struct run_child *child, const char *volatile *temporaries, size_t count);

#endif
