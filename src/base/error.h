/* Why something failed, as one line for the user: what happened, to which thing, what to do next. */
#ifndef THREADLEAK_BASE_ERROR_H
#define THREADLEAK_BASE_ERROR_H

#include <stdbool.h>

/* A function that takes one fills it in when it fails, and else leaves it as it is. */
struct error {
    char text[512];
};

/* Text that is too long is cut.  Control characters become '?', since paths may contain any.  Always returns
 * false: what most callers return then. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
