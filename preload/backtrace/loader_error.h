/*
 * The error that dlerror() would return, while the shim uses the loader: each dlopen() and dlsym() forgets
 * it. glibc has it in a variable of each thread, which has a name since 2.34. With another libc, an error of
 * the program is lost.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_LOADER_ERROR_H
#define THREADLEAK_PRELOAD_BACKTRACE_LOADER_ERROR_H

struct loader_error {
    void **place; /* NULL: not known */
    void *kept;   /* NULL: no error */
};

/* It takes the lock of the loader. Then the loader has no error. */
struct loader_error loader_error_keep(void);

/* Forgets an error of the shim, and brings back that of the program. */
void loader_error_restore(const struct loader_error *error);

#endif
