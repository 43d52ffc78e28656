/*
 * `threadleak selftest`: leaks of each kind are planted in a program of our own and
 * looked for in the ways that users look; then what threadleak takes from the
 * machine.  One line each, on standard output.
 */
#ifndef THREADLEAK_CLI_SELFTEST_SELFTEST_H
#define THREADLEAK_CLI_SELFTEST_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>

#define SELFTEST_RUNNING 2 /* threads that each of the plants with running ones leaves */

struct selftest {
    char *exe;  /* this program: it is planted, too */
    char *shim; /* NULL: there is none */
    bool verbose;
    bool run_works; /* a run has a directory */
    unsigned checks, notes, failures;
};

/* `what` is a few words, the rest a sentence: what was seen, and after ";" or ":" what
 * to do about it.  A note: threadleak works, with less than it could have. */
void selftest_ok(struct selftest *test, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void selftest_note(struct selftest *test, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void selftest_fail(struct selftest *test, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* With -v: what a program said, each line indented. */
void selftest_detail(const struct selftest *test, const char *text);

/* The library, the directory, memfd; THREADLEAK_OPTIONS.  Sets shim and run_works. */
void selftest_machine(struct selftest *test);
/* What is only of use at times: QUIT, core files. */
void selftest_surroundings(struct selftest *test);
/* Under `run`: each kind, a clean program, a child, an exit by a thread; symbols. */
void selftest_planted(struct selftest *test);
/* With LD_PRELOAD alone: the dump signal, `report PID`, the report at the end. */
void selftest_live(struct selftest *test);

#endif
