/*
 * `threadleak selftest`: leaks threads of each kind in a program of its own, and checks
 * that the commands that users call find them. Then it checks what threadleak needs from
 * the machine. It prints one line for each check on standard output.
 */
#ifndef THREADLEAK_CLI_SELFTEST_SELFTEST_H
#define THREADLEAK_CLI_SELFTEST_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>

#define SELFTEST_RUNNING 2 /* number of threads that a plant with running threads leaks */

struct selftest {
    char *exe;  /* this program, which also runs the plants */
    char *shim; /* NULL: there is none */
    bool verbose;
    bool run_works; /* a run can create its directory */
    unsigned checks, notes, failures;
};

/* Print one line. `what` is a few words. The rest is the result and, after ";" or ":", what to do. A note
 * means that threadleak works, but with less detail than possible. */
enum selftest_result { SELFTEST_OK, SELFTEST_NOTE, SELFTEST_FAIL };
void selftest_print(struct selftest *test, enum selftest_result result, const char *what, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
#define selftest_ok(test, ...) selftest_print(test, SELFTEST_OK, __VA_ARGS__)
#define selftest_note(test, ...) selftest_print(test, SELFTEST_NOTE, __VA_ARGS__)
#define selftest_fail(test, ...) selftest_print(test, SELFTEST_FAIL, __VA_ARGS__)
/* With -v: prints the output of a program, each line indented. */
void selftest_detail(const struct selftest *test, const char *text);

/* The library, the directory, memfd; THREADLEAK_OPTIONS.  Sets shim and run_works. */
void selftest_machine(struct selftest *test);
/* Optional features: QUIT, core files. */
void selftest_surroundings(struct selftest *test);
/* Tests under `run`: each kind, a clean program, a child, an exit by a thread; symbols. */
void selftest_planted(struct selftest *test);
/* Tests with only LD_PRELOAD: the dump signal, `report PID`, the report at the end. */
void selftest_live(struct selftest *test);

#endif
