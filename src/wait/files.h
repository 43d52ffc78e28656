/* The descriptors of a process: their kinds, and other processes that have them open. */
#ifndef THREADLEAK_WAIT_FILES_H
#define THREADLEAK_WAIT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "wait/holders.h"
#include "wait/socket.h"

enum file_kind {
    FILE_UNKNOWN, /* not readable */
    FILE_CLOSED,  /* there is no such descriptor */
    FILE_PIPE,    /* or FIFO */
    FILE_SOCKET,
    FILE_TERMINAL,
    FILE_EVENTFD,
    FILE_TIMERFD,
    FILE_SIGNALFD,
    FILE_EPOLL,
    FILE_INOTIFY,
    FILE_PIDFD,
    FILE_URING,
    FILE_DEVICE,
    FILE_PATH, /* a regular file, a directory */
    FILE_ANONYMOUS,
    FILE_KINDS
};
/* "pipe" */
const char *file_kind_name(enum file_kind kind);

struct open_file {
    int fd;
    enum file_kind kind;
    char *link;     /* target of /proc/PID/fd/FD; "" unknown */
    uint64_t inode; /* 0: unknown */
    bool wanted;    /* by files_want() */
};

/* The descriptors that a thread in poll, select or epoll waits for. */
struct watched {
    long nr; /* of the system call; 0: not read */
    int *fds;
    size_t count;
    bool unknown; /* the list could not be read */
};
void watched_release(struct watched *watched);

struct files {
    pid_t pid, task;
    void *opened;            /* tsearch tree of struct open_file */
    struct watched *watched; /* by index of snapshot.threads; read while the process was stopped */
    size_t watched_count;
    struct holders holders;
    bool has_sockets;
    struct socket_facts sockets;
};

/* task: a living thread; 0: /proc does not have the process, and every descriptor is FILE_UNKNOWN. NULL: out
 * of memory. */
struct files *files_new(pid_t pid, pid_t task);
/* NULL: nothing. */
void files_free(struct files *files);
/* Reads a descriptor at the first call for it. `files` owns the result. NULL: out of memory. */
const struct open_file *files_find(struct files *files, int fd);
/* Lets files_scan find the holders of the descriptor's pipe, or of its socket's other end.
 * False: out of memory. */
bool files_want(struct files *files, int fd);
/* Searches /proc once for the holders of all wanted descriptors. It reads all processes, so call it last. */
void files_scan(struct files *files);
/* NULL: not a socket, or unknown. */
const struct socket_fact *files_socket(struct files *files, const struct open_file *file);
/* "socket 5 (TCP listening on *:80)" */
void line_add_file(struct line *line, struct files *files, const struct open_file *file);
/* "123 (cat)" */
void process_title(pid_t pid, char *to, size_t size);

#endif
