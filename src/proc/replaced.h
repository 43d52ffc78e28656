/* Programs and libraries whose file was replaced, deleted or hidden while a process uses it. */
#ifndef THREADLEAK_PROC_REPLACED_H
#define THREADLEAK_PROC_REPLACED_H

#include <stddef.h>
#include <sys/types.h>

/* Their paths, each once, NULL-terminated; the caller frees list and paths. NULL: none, or it cannot be read.
 * The kernel marks them in /proc/PID/maps as deleted, also when another file was renamed to the path. It does
 * not mark a file that a mount hides: then the first bytes of the file at the path differ. */
char **process_replaced_files(pid_t pid);

#endif
