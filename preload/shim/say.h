/* Lines of the shim on a standard error that is the program's. */
#ifndef THREADLEAK_PRELOAD_SHIM_SAY_H
#define THREADLEAK_PRELOAD_SHIM_SAY_H

#include <stdbool.h>
#include <stddef.h>

/* Writes all of it, without raising SIGPIPE or SIGXFSZ. */
void shim_write(int fd, const char *text, size_t n);

/* At the start: what standard error is. */
void shim_remember_stderr(void);

/* False when descriptor 2 is now another file of the program's: a data file or a
 * connection that it opened after it closed standard error. */
bool shim_stderr_is_safe(void);

/* One warning or notice line. */
void shim_say(const char *line);

/* Prints "WHO: PROBLEM" and returns -1.  Keeps errno. */
int shim_refuse(const char *who, const char *problem);

#endif
