/* Why something failed, as one line for the user: what happened, to which thing, what to do next. */
#ifndef THREADLEAK_BASE_ERROR_H
#define THREADLEAK_BASE_ERROR_H

#include <stdbool.h>

/* A function that takes one sets it when it fails, and otherwise does not change it. */
struct error {
    char text[512];
};

/* Cuts text that is too long. Replaces control characters by '?', because paths may contain any. Always
 * returns false, as most callers do after an error. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the name of an option or a file before the text: "--baseline=" and "/x: cannot be read". Returns
 * false. */
bool error_prefix(struct error *error, const char *prefix);

#endif
