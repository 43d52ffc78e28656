/* The frames of libunwind's unw_backtrace. */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_FRAMES_H
#define THREADLEAK_PRELOAD_BACKTRACE_FRAMES_H

#include <stdint.h>

/*
 * Makes the return address of a hook the first frame, and all frames return addresses. unw_backtrace returns
 * them, or each minus one: with its fast path before 1.5 on x86-64, and before 1.8 on aarch64. The frame that
 * a signal interrupted is exact in both cases. If one is added, it is a byte too high, which is still the
 * same instruction unless that has only one byte.
 *
 * own: at most this many frames before it belong to the shim and libunwind. Returns the number of frames from
 * the caller on; 0: the caller is not among them.
 */
uint32_t frames_from_caller(void **frames, uint32_t count, uint32_t own, const void *caller);

#endif
