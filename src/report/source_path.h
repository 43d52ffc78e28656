/* Paths of sources relative to the root of the checkout, which is how a CI names them. */
#ifndef THREADLEAK_REPORT_SOURCE_PATH_H
#define THREADLEAK_REPORT_SOURCE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* $GITHUB_WORKSPACE where the working directory is in it, else the working directory; "" when that is not
 * known.  Overwritten by the next call of a function of this header. */
const char *source_root(void);

bool is_below_source_root(const char *path);

/* The path below that directory, or else the path as it is; without ./ and //. */
void format_source_path(char *out, size_t size, const char *path);

#endif
