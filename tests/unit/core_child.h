/* Core files made for the tests: of targets, by gcore and by the kernel. */
#ifndef CORE_CHILD_H
#define CORE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A new directory of this test. */
const char *core_directory_make(void);
const char *core_directory_path(const char *name);

/* build/targets/NAME, absolute. */
const char *core_target(const char *name);
enum core_how {
    CORE_PLAIN,
    CORE_WATCHED = 1, /* LD_PRELOAD */
    CORE_SMALL = 2,   /* with limits that make the core one of some hundred KiB */
    CORE_IN_RUN = 4,  /* its ledger is a file in the directory */
};

/* Runs a program until it has said that it is ready and its threads sleep; how: CORE_* or-ed. */
pid_t core_start(const char *path, unsigned how);
/* For those that are started from now on: core(5), /proc/PID/coredump_filter. */
void core_set_filter(unsigned filter);

enum core_maker { CORE_BY_GCORE, CORE_BY_KERNEL, CORE_MAKERS };

/*
 * Has the process leave a core in the directory and ends it.  NULL: not to be had
 * here, and has been said: no gdb, or the kernel's cores go elsewhere.
 */
const char *core_of(pid_t pid, enum core_maker maker, int signal);

/* The kernel's core of a child that a signal ends, as by core_of. */
const char *core_wait(pid_t pid);

/* The whole file, malloc'ed; and the other way. */
char *core_read_file(const char *path, size_t *size);
void core_write_file(const char *path, const char *bytes, size_t size);

#endif
