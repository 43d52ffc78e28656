/*
 * Starts `threadleak _explain MODE PID` and waits for it.  One at a time: two could not
 * both trace the same threads, and the leave to trace is the whole process's.
 *
 * The program must not notice: no fork handler runs, no SIGCHLD is raised and
 * wait(-1) does not see a child.  A child that has called exec is an ordinary
 * one to the kernel whatever clone() was told, so there is one in between: it
 * shares our memory, never calls exec, has no exit signal, and is the
 * reporter's parent.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_REPORTER_H
#define THREADLEAK_PRELOAD_EXIT_REPORTER_H

/* `threadleak _explain` ends with these. */
enum reporter_verdict {
    REPORTER_NO_LEAKS = 0,
    REPORTER_LEAKS = 1,
    REPORTER_FAILED = 2, /* or it could not be started: nothing was written */
};

/* mode: "exit", "dump" or "keep".  Async-signal-safe. */
enum reporter_verdict reporter_run(const char *mode);

/* The same, where the reporter can be started and somebody would see its report. */
enum reporter_verdict reporter_explain(const char *mode);

/* Around what another process does to this one: permission to trace it. */
struct reporter_access {
    long dumpable; /* before */
};
struct reporter_access reporter_allow(void);
void reporter_disallow(const struct reporter_access *access);

/*
 * The same with more to ask: `threadleak _explain MODE PID FD ARGUMENT…`.  FD is a pipe
 * into which it writes its answer, or, where fd is not below 0, that descriptor of ours
 * for it to report to.
 */
#define REPORTER_ARGUMENTS 4
struct reporter_question {
    const char *mode;
    const char *arguments[REPORTER_ARGUMENTS]; /* up to the first NULL */
    int fd;                                    /* below 0: none is handed over */
    char answer[512];                          /* NUL-terminated; "": it gave none */
};
enum reporter_verdict reporter_ask(struct reporter_question *question);

#endif
