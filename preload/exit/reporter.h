/*
 * Starts `threadleak _explain MODE PID` and waits for it.  Only one at a time: two cannot
 * trace the same threads, and the permission to trace is that of the whole process.
 *
 * The program must not notice: no fork handler runs, no SIGCHLD is raised, and wait(-1)
 * sees no child.  For the kernel a child that has called exec is an ordinary one, whatever
 * flags clone() got.  So there is a child in between, which is the parent of the reporter.
 * It shares our memory, never calls exec, and has no exit signal.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_REPORTER_H
#define THREADLEAK_PRELOAD_EXIT_REPORTER_H

/* Exit statuses of `threadleak _explain`. */
enum reporter_verdict {
    REPORTER_NO_LEAKS = 0,
    REPORTER_LEAKS = 1,
    REPORTER_FAILED = 2, /* or it could not be started: there is no report */
};

/* mode: "exit", "dump" or "save".  Async-signal-safe. */
enum reporter_verdict reporter_run(const char *mode);

/* The same, if the reporter can be started and somebody would see its report. */
enum reporter_verdict reporter_explain(const char *mode);

/* Between these another process is permitted to trace this one. */
struct reporter_access {
    long dumpable; /* before */
};
struct reporter_access reporter_allow(void);
void reporter_disallow(const struct reporter_access *access);

/* The same with arguments: `threadleak _explain MODE PID FD ARGUMENT…`.  FD is a pipe for
 * its answer.  If `fd` is not below 0, FD is this descriptor, for its report. */
#define REPORTER_ARGUMENTS 4
struct reporter_question {
    const char *mode;
    const char *arguments[REPORTER_ARGUMENTS]; /* up to the first NULL */
    int fd;                                    /* below 0: none */
    char answer[512];                          /* NUL-terminated; "": none */
};
enum reporter_verdict reporter_ask(struct reporter_question *question);

#endif
