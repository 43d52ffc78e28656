/* Between the parts of the table that <threadleak.h> in a program finds. */
#ifndef THREADLEAK_PRELOAD_SHIM_API_H
#define THREADLEAK_PRELOAD_SHIM_API_H

#include <stdint.h>

/* api_check.c: struct threadleak_abi.check */
int api_check(const uint64_t *since, const char *options);

/* The serial below which, itself included, nothing is new at a checkpoint; UINT64_MAX:
 * it is of another process, or none. */
struct shim_state;
uint64_t api_serial_of(const struct shim_state *state, uint64_t checkpoint);

#endif
