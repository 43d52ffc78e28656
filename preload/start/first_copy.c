#include "preload/start/first_copy.h"

#include <stdint.h>

#include "threadleak/abi.h"

/* The loader binds this to the first copy. */
extern const struct threadleak_abi threadleak_abi_1 __attribute__((visibility("default")));

/* From the linker: the memory of this library. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* Where the table points to, since a program that is not position-independent can have a copy of it. */
bool is_first_copy(void)
{
    uintptr_t active = (uintptr_t)threadleak_abi_1.active;
    return active >= (uintptr_t)__ehdr_start && active < (uintptr_t)_end;
}
