/* What went wrong, as one line for the user: the thing, what happened, what to do. */
#ifndef THREADLEAK_BASE_ERROR_H
#define THREADLEAK_BASE_ERROR_H

/* Every function that takes one fills it in when it fails. */
struct error {
    char text[512];
};

/* Cuts what is too long.  Control characters become '?': paths come from anywhere. */
void error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
