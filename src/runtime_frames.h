/* Which frames belong to a thread runtime and not to the user's own code. */
#ifndef THREADLEAK_RUNTIME_FRAMES_H
#define THREADLEAK_RUNTIME_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "symbolize.h"

/*
 * By module (libc, libstdc++, libgomp, …), by source file (/rustc/, the
 * compiler's own headers), or by the function's own qualified name (std::…,
 * Rust's std, core, alloc): not by types in its return value or arguments.
 * Libraries that make threads for the user (GLib, libuv, SDL, …) are told by
 * the names of the functions that do; in those that come without symbols, also
 * by having no name.
 */
bool is_runtime_frame(const struct frame *frame);

/* The last frame of a stack, leaf first, that is no runtime's: of a thread's whole stack what the
 * user gave it to run.  NULL: there is none. */
const struct frame *outermost_own_frame(const struct frame *frames, size_t count);

#endif
