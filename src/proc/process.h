/* Facts of a process from /proc. Nothing is stopped. */
#ifndef THREADLEAK_PROC_PROCESS_H
#define THREADLEAK_PROC_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Is it alive? False for a zombie; true if only its main thread has ended. */
bool process_exists(pid_t pid);
/* Does the process map a file with this basename (the shim)? */
bool process_maps_file(pid_t pid, const char *basename);
/* Does it map a file in this directory, or below it? */
bool process_maps_file_in(pid_t pid, const char *directory);
/* Malloc'ed target of /proc/PID/exe without " (deleted)"; NULL: not readable. */
char *process_exe(pid_t pid);
/* NULL-terminated, in one malloc'ed block; NULL: not readable, or empty. */
char **process_argv(pid_t pid);
pid_t process_parent(pid_t pid); /* 0: unknown */
/* Are it and this program in the same namespace of that kind ("net", "time")? True also if the kernel has no
 * such namespaces. */
bool process_shares_namespace(pid_t pid, const char *kind);
/* Are they in the same mount namespace, and have the same root directory? Then a path is the same file for
 * both, if nobody replaced it. */
bool process_has_our_root(pid_t pid);

#endif
