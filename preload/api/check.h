/* struct threadleak_abi.checkpoint, a point in time; .check can ignore the threads that existed then. */
#ifndef THREADLEAK_PRELOAD_API_CHECK_H
#define THREADLEAK_PRELOAD_API_CHECK_H

#include <stddef.h>
#include <stdint.h>

uint64_t api_checkpoint(void);

/* Waits until no thread is a leak. The reporter judges the others, because rules need names of functions. */
int api_check(const uint64_t *since, const char *options);

/* struct threadleak_abi.list: the same, with lines for the program in place of a report. */
int api_list(const uint64_t *since, const char *options, const void *function, char *text, size_t size);

#endif
