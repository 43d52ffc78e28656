/*
 * Under `threadleak run`: says in the run's folder which program a process is
 * about to become.  A program that then leaves no ledger was not watched, and
 * there is nobody else who could tell its name.
 *
 * Only system calls, and nothing of the process is touched: a vfork child does
 * this on its parent's memory.  See run_marks.h of the CLI for the reader.
 */
#ifndef THREADLEAK_PRELOAD_HOOKS_EXEC_RECORD_H
#define THREADLEAK_PRELOAD_HOOKS_EXEC_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The program, as the functions of exec(3) are given it. */
struct exec_program {
    int folder;       /* descriptor that a relative path starts from, or AT_FDCWD */
    const char *path; /* "" or NULL: `folder` itself is the program */
    bool searched;    /* in PATH, unless it has a slash */
    char *const *environment;
};

/* Before exec; false: no mark was left, none is to be taken back. */
bool exec_record_begin(const struct exec_program *program);

/* exec failed. */
void exec_record_failed(void);

/* After posix_spawn, which went on in the child behind our back; `before_ns` is
 * CLOCK_MONOTONIC from before it. */
bool exec_record_is_wanted(void);
void exec_record_spawned(const struct exec_program *program, pid_t pid, uint64_t before_ns);

/* Before system or popen, whose shell's pid nobody tells: noted, as pid 0, only where
 * its environment lacks us. */
void exec_record_shell(void);

#endif
