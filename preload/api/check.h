/*
 * struct threadleak_abi.check: waits until no thread is a leak. The reporter judges the others, because rules
 * need names of functions.
 */
#ifndef THREADLEAK_PRELOAD_API_CHECK_H
#define THREADLEAK_PRELOAD_API_CHECK_H

#include <stdint.h>

int api_check(const uint64_t *since, const char *options);

#endif
