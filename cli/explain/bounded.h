/* Writes the report of a process that waits for it, and that may be the one to read it. */
#ifndef THREADLEAK_CLI_EXPLAIN_BOUNDED_H
#define THREADLEAK_CLI_EXPLAIN_BOUNDED_H

#include <stdbool.h>
#include <stddef.h>

/* A pipe or socket that nobody reads for so many seconds gets no more of it. False with errno: then
 * ETIMEDOUT. */
bool bounded_write(int fd, const char *text, size_t size, unsigned patience_s);

#endif
