/* Files of modules as a live process sees them. */
#ifndef THREADLEAK_SYMBOLIZE_PROCESS_FILE_H
#define THREADLEAK_SYMBOLIZE_PROCESS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

typedef bool process_file_accept_fn(void *arg, const char *path);

/* Calls accept with the path below the root directory of the process, if that is another one than ours
 * (chroot, a container). False: it is not, or the file was not accepted. */
bool process_file_in_root(pid_t pid, const char *module, process_file_accept_fn *accept, void *arg);

/* Calls accept with a path of the file that the process has mapped, which can have been unlinked or replaced.
 * The path needs CAP_CHECKPOINT_RESTORE. */
bool process_file_mapped(pid_t pid, const char *module, process_file_accept_fn *accept, void *arg);

#endif
