/* A filter of system calls that the program was started with (seccomp(2)): by systemd, or by a container. */
#ifndef THREADLEAK_PRELOAD_START_FILTER_H
#define THREADLEAK_PRELOAD_START_FILTER_H

#include <stdbool.h>

/* Does it end the program for a call that the shim makes? A child tries them. Call it once. */
bool filter_kills(void);

#endif
