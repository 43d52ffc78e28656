/* The shim that belongs to this program: it is installed near it, by paths from one to the other. */
#ifndef THREADLEAK_BASE_SHIM_H
#define THREADLEAK_BASE_SHIM_H

#include "base/error.h"

#define SHIM_NAME "libthreadleak.so"

/* Absolute path, malloc'ed. NULL with an error: there is none, or LD_PRELOAD cannot contain its path. */
char *shim_find(struct error *error);

enum { SHIM_PRELOAD_MAX = 256 };
/* "LD_PRELOAD=/usr/local/lib/libthreadleak.so", to write before a command in a shell. Without the directory
 * if that is unknown, or if it needs quotes or more room. Returns its argument. */
const char *shim_preload(char out[SHIM_PRELOAD_MAX]);

#endif
