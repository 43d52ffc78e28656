/* Core files made for the tests: of targets, by gcore and by the kernel. */
#ifndef CORE_CHILD_H
#define CORE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A new folder under /tmp; core_folder_remove takes it away with all in it. */
const char *core_folder_make(void);
void core_folder_remove(void);
const char *core_folder_path(const char *name);

/* build/targets/NAME, absolute. */
const char *core_target(const char *name);
/* Runs a program until it has said that it is ready and its threads sleep. */
pid_t core_start(const char *path, bool watched);

enum core_maker { CORE_BY_GCORE, CORE_BY_KERNEL, CORE_MAKERS };

/*
 * Has the process leave a core in the folder and ends it.  NULL: not to be had
 * here, and has been said: no gdb, or the kernel's cores go elsewhere.
 */
const char *core_of(pid_t pid, enum core_maker maker, int signal);

/* The whole file, malloc'ed; and the other way. */
char *core_read_file(const char *path, size_t *size);
void core_write_file(const char *path, const char *bytes, size_t size);

#endif
