/* struct threadleak_abi.check: judges the threads of this process now. */
#ifndef THREADLEAK_PRELOAD_API_CHECK_H
#define THREADLEAK_PRELOAD_API_CHECK_H

#include <stdint.h>

int api_check(const uint64_t *since, const char *options);

#endif
