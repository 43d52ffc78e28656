/* Writes lines of the shim to the standard error of the program. */
#ifndef THREADLEAK_PRELOAD_SHIM_SAY_H
#define THREADLEAK_PRELOAD_SHIM_SAY_H

#include <stdbool.h>
#include <stddef.h>

/* Writes all of it, without raising SIGPIPE or SIGXFSZ. False: some is not written. */
bool shim_write(int fd, const char *text, size_t n);

/* Records at the start which file standard error is. */
void shim_remember_stderr(void);

/* False: the program closed standard error, and descriptor 2 is now another file or connection of it. */
bool shim_stderr_is_safe(void);

/* One warning or notice line. */
void shim_say(const char *line);

/* Prints "WHO: PROBLEM" and returns -1.  Keeps errno. */
int shim_refuse(const char *who, const char *problem);

#endif
