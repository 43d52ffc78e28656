/* The definition of a function in the libraries after this one, as by dlsym(RTLD_NEXT), but without a lock.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_NEXT_H
#define THREADLEAK_PRELOAD_SHIM_NEXT_H

/* The default version. It calls nothing of the loader, and allocates nothing. NULL: it is not known without
 * dlsym. Only libraries up to libc and libpthread are searched: those are never unloaded. */
void *next_definition(const char *name);

#endif
