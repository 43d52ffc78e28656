/*
 * COMMAND, as a child that notices as little as possible: it stays in our
 * process group and session, and gets the descriptors, the signal mask and the
 * signal dispositions that we were started with.
 */
#ifndef THREADLEAK_CLI_RUN_CHILD_H
#define THREADLEAK_CLI_RUN_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct run_child {
    pid_t pid;
    int go;     /* closing it unused ends the child before its exec */
    int failed; /* errno of a failed exec comes this way; -1: closed */
    sigset_t mask_before;
    struct sigaction sigchld_before;
};

/* Forks.  From here until run_child_end every signal that can be forwarded is
 * blocked in this process.  The child waits for run_child_exec. */
bool run_child_fork(struct run_child *child, char *const argv[], char *const envp[], struct error *error);

/* Lets the child exec.  Returns 0, or the errno with which exec failed. */
int run_child_exec(struct run_child *child);

/*
 * Waits until the child has ended, meanwhile forwarding signals, and gives its wait
 * status.  The child stays a zombie, so that no other process gets its pid.
 * seconds: no longer than that; 0: as long as it takes.  False: it is still there.
 */
bool run_child_wait(struct run_child *child, double seconds, int *wait_status);

/*
 * Reaps the child, which ends without an exec if it had none yet, and restores the
 * signal mask.  A signal that was meant for it may come twice (timeout(1) sends it to
 * the process and to its group): for GRACE seconds none ends us.  One that comes later
 * does, with a line that the report is given up; those of `temporaries` that are not NULL
 * then are removed.
 */
#define RUN_CHILD_GRACE_S 2
void run_child_end(struct run_child *child, const char *volatile *temporaries, size_t count);

#endif
