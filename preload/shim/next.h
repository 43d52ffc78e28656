/* The definition of a function in the libraries after this one, as by dlsym(RTLD_NEXT), but without a lock.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_NEXT_H
#define THREADLEAK_PRELOAD_SHIM_NEXT_H

/* The default version. It calls nothing of the loader, and allocates nothing. NULL: it is not known without
 * dlsym. Only libraries up to libc and libpthread are searched: those are never unloaded. */
void *next_definition(const char *name);

/* A variable of libc, or a function that is no IFUNC, also if another library interposes it. For a variable
 * of each thread: the address of libc plus its offset. NULL: libc has none of this name. With musl it takes a
 * lock.
 */
void *next_in_libc(const char *name);

/* The path of this library, in memory that stays; "": not known. It can be relative to the working directory
 * at the start. With musl it takes a lock. */
const char *next_own_path(void);

#endif
