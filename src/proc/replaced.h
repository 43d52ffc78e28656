/* Programs and libraries whose file was replaced or deleted while a process uses it. */
#ifndef THREADLEAK_PROC_REPLACED_H
#define THREADLEAK_PROC_REPLACED_H

#include <stddef.h>
#include <sys/types.h>

/* Their paths, each once, NULL-terminated; the caller frees list and paths. NULL: none, or it cannot be read.
 * The kernel marks them in /proc/PID/maps as deleted, also when another file was renamed to the path. A file
 * that another mount hides is not marked. */
char **process_replaced_files(pid_t pid);

#endif
