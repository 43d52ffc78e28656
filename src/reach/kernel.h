/* Bytes that the kernel keeps for the process. */
#ifndef THREADLEAK_REACH_KERNEL_H
#define THREADLEAK_REACH_KERNEL_H

#include <sys/stat.h>

#include "reach/collector.h"

void reach_kernel_add(struct reach_collector *collector, const void *bytes, size_t size);
/* Something could not be read. */
void reach_kernel_unknown(struct reach_collector *collector);
/* A message or what is in a socket was not read, or not all of it. */
void reach_kernel_unread(struct reach_collector *collector);

/* The process is stopped while these bytes are read, so there is one limit for all descriptors and queues.
 * Regular files have their own. */
#define REACH_KERNEL_MAX ((size_t)4 << 20)
size_t reach_kernel_room(const struct reach_collector *collector);
/* False: so many must not be read, and from now on nothing. */
bool reach_kernel_take(struct reach_collector *collector, size_t size);

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

/* ---- pipes and sockets that are not empty: each is read once, though many descriptors refer to it ---- */

enum { REACH_MAX_SEEN = 1024 };
struct reach_seen {
    size_t count;
    struct {
        dev_t device;
        ino_t inode;
    } files[REACH_MAX_SEEN];
};
bool reach_kernel_was_seen(const struct reach_seen *seen, const struct stat *status);
/* False: there are too many. */
bool reach_kernel_see(struct reach_seen *seen, const struct stat *status);

/* Adds what can be read without consuming it. Whatever may be in the socket, nothing is proved then
 * (kernel_sockets.c). socket: a descriptor of the process itself. */
void reach_kernel_read_socket(struct reach_collector *collector, struct reach_seen *seen, int socket,
                              const struct stat *status);

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
