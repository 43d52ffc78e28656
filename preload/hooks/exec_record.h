/*
 * Under `threadleak run`: records which program a process is about to become. If the new program has no
 * ledger, it was not watched, and only this record has its name.
 *
 * Uses only system calls and the stack: a vfork child calls it in the memory of its parent. The reader is
 * cli/run/exec_records.h.
 */
#ifndef THREADLEAK_PRELOAD_HOOKS_EXEC_RECORD_H
#define THREADLEAK_PRELOAD_HOOKS_EXEC_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The arguments of an exec function. */
struct exec_program {
    int directory;    /* descriptor that a relative path starts from, or AT_FDCWD */
    const char *path; /* "" or NULL: `directory` is the program */
    bool searched;    /* in PATH, if it has no slash */
    char *const *environment;
};

/* Call it before exec. False: nothing was recorded. */
bool exec_record_begin(const struct exec_program *program);

/* exec failed: the latest record is not valid. */
void exec_record_failed(void);

/* Call it after posix_spawn. before_ns: CLOCK_MONOTONIC before that. */
bool exec_record_is_wanted(void);
void exec_record_spawned(const struct exec_program *program, pid_t pid, uint64_t before_ns);

/* Records pid 0 if the environment of the shell lacks the shim, because its pid is not known. Call it before
 * system or popen. */
void exec_record_shell(void);

#endif
