/*
 * Starts `threadleak _explain MODE PID` and waits for it. Only one runs at a time: two cannot trace the same
 * threads, and the permission to trace is one per process.
 *
 * The program must not notice: no fork handler runs, no SIGCHLD is raised, and wait(-1) sees no child. After
 * exec, the kernel ignores the flags that clone() got and treats a child as an ordinary one. So there is a
 * child in between, which is the parent of the reporter. It shares our memory, never calls exec, and has no
 * exit signal.
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

/* The same, but it writes the raw report of these KIND_* if that fails, and nothing if nobody would see it.
 */
enum reporter_verdict reporter_explain(const char *mode, unsigned kinds);

/* reporter_allow permits another process to trace this one, until reporter_disallow of what it returned. */
long reporter_allow(void);
void reporter_disallow(long dumpable);

/* The same with arguments: `threadleak _explain MODE PID FD ARGUMENT…`.  FD is a pipe for
 * its answer.  If `fd` is not below 0, FD is this descriptor, for its report. */
#define REPORTER_ARGUMENTS 5
struct reporter_question {
    const char *mode;
    const char *arguments[REPORTER_ARGUMENTS]; /* up to the first NULL */
    int fd;                                    /* below 0: none */
    char *answer; /* for LEDGER_ANSWER_MAX bytes; NUL-terminated, "": none.  Not used with fd */
};
enum reporter_verdict reporter_ask(struct reporter_question *question);

#endif
