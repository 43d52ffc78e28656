/* Bytes that the kernel keeps for the process. */
#ifndef THREADLEAK_REACH_KERNEL_H
#define THREADLEAK_REACH_KERNEL_H

#include "reach/collector.h"

void reach_kernel_add(struct reach_collector *collector, const void *bytes, size_t size);
/* Something could not be read. */
void reach_kernel_unknown(struct reach_collector *collector);
/* Adds the hexadecimal number after each `key`, or after the next `before` in its line; 0: none. */
void reach_kernel_add_values(struct reach_collector *collector, const char *text, const char *key,
                             char before);

/* Does a thread have pending signals of its own? True also if that cannot be read. */
bool reach_kernel_has_signals(pid_t pid, pid_t tid);

/* Data of epoll, and bytes in pipes and sockets (kernel_files.c). task: a living thread. */
void reach_kernel_read_files(struct reach_collector *collector, pid_t task);

#endif
