/* Backtraces by frame pointers, where the shim was built without libunwind. */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_FRAME_POINTERS_H
#define THREADLEAK_PRELOAD_BACKTRACE_FRAME_POINTERS_H

#include <stddef.h>

/*
 * Return addresses from `frame` on, which is a __builtin_frame_address(0): at most `size`. Returns how many.
 *
 * A function that keeps no frame pointer is missing, or its caller is. The walk ends where a frame is not
 * above the previous one, or the address is not after a call in a module. It reads only what is readable, and
 * takes no lock.
 */
int frame_pointers_walk(const void *frame, void **frames, int size);

#endif
