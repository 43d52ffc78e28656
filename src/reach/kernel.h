/* Bytes that the kernel keeps for the process. */
#ifndef THREADLEAK_REACH_KERNEL_H
#define THREADLEAK_REACH_KERNEL_H

#include <sys/stat.h>

#include "reach/collector.h"

void reach_kernel_add(struct reach_collector *collector, const void *bytes, size_t size);
/* Something could not be read. */
void reach_kernel_unknown(struct reach_collector *collector);
/* Adds the hexadecimal number after each `key`, or after the next `before` in its line; 0: none. */
void reach_kernel_add_values(struct reach_collector *collector, const char *text, const char *key,
                             char before);

/* Pending signals of the thread itself, 1 << (number - 1). Not 0 if that cannot be read. */
uint64_t reach_kernel_signals(pid_t pid, pid_t tid);
/* Real-time signals: their values are often references. If one is pending and cannot be read, nothing is
 * judged. */
#define REACH_SIGNALS_WITH_VALUES (~UINT64_C(0) << 33)
#define REACH_UNREAD_SIGNALS "a pending signal, whose value may be a reference, cannot be read"

/* Data of epoll, and bytes in pipes, sockets and files (kernel_files.c). */
void reach_kernel_read_files(struct reach_collector *collector, const struct snapshot *snapshot);

/* ---- regular files (kernel_regular.c) ---- */

struct reach_regular {
    const struct snapshot *snapshot;
    int64_t began_s; /* when the process began, in seconds of the wall clock; INT64_MIN: unknown */
    uint64_t room;   /* bytes that may still be read */
};
struct reach_regular reach_regular_begin(const struct snapshot *snapshot);
/* fd: a descriptor of the process itself, whose offset stays. */
void reach_kernel_read_regular(struct reach_collector *collector, struct reach_regular *regular, int fd,
                               const struct stat *status);

#endif
