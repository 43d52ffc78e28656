/* The tasks of this process, from /proc/self/task by system calls: no memory is allocated. */
#ifndef THREADLEAK_PRELOAD_EXIT_TASKS_H
#define THREADLEAK_PRELOAD_EXIT_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls accept() for each task until it returns false. directory: for task_read. False: accept() did, or they
 * cannot be listed: /proc can be missing, or that of another pid namespace. */
typedef bool task_accept_fn(void *arg, long directory, int32_t tid);
bool tasks_each(task_accept_fn *accept, void *arg);

/* Reads /proc/self/task/TID/NAME. buffer: NUL-terminated. False: the task has ended, or it cannot be read. */
bool task_read(long directory, int32_t tid, const char *name, char *buffer, size_t size);

/* Skips space-separated words; NULL: there are not so many. */
const char *skip_words(const char *at, int words);
/* Decimal; moves behind the number and a space. */
uint64_t read_number(const char **at);

#endif
