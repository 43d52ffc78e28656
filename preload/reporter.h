/*
 * Starts `threadleak _explain MODE PID` and waits for it.
 *
 * The program must not notice: no fork handler runs, no SIGCHLD is raised and
 * wait(-1) does not see a child.  A child that has called exec is an ordinary
 * one to the kernel whatever clone() was told, so there is one in between: it
 * shares our memory, never calls exec, has no exit signal, and is the
 * reporter's parent.
 */
#ifndef THREADLEAK_REPORTER_H
#define THREADLEAK_REPORTER_H

/* `threadleak _explain` ends with these. */
enum reporter_verdict {
    REPORTER_NO_LEAKS = 0,
    REPORTER_LEAKS = 1,
    REPORTER_FAILED = 2, /* or it could not be started: nothing was written */
};

/* mode: "exit", "dump" or "keep".  Async-signal-safe. */
enum reporter_verdict reporter_run(const char *mode);

#endif
