/* Sockets of a network namespace, by inode. */
#ifndef THREADLEAK_WAIT_SOCKET_H
#define THREADLEAK_WAIT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct socket_fact {
    uint64_t inode;
    uint64_t peer;  /* inode of the other end on this machine; 0: unknown, or none */
    char text[160]; /* "TCP 127.0.0.1:80 to 127.0.0.1:4711", "Unix stream", "TCP listening on *:80" */
};

struct socket_facts {
    struct socket_fact *items; /* by ascending inode */
    size_t count;
};

/* `facts` begins with zeros. Reads TCP and UDP sockets from /proc/TASK/net, and Unix sockets by sock_diag(7)
 * if the task is in our network namespace.  Stops after about `max_ms` and omits the rest. */
void socket_facts_read(struct socket_facts *facts, pid_t task, unsigned max_ms);
void socket_facts_release(struct socket_facts *facts);
/* NULL: not a socket of this namespace, or not read in time. */
const struct socket_fact *socket_facts_find(const struct socket_facts *facts, uint64_t inode);

#endif
