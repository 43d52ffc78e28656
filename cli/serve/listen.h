/* The socket on which `serve` listens. */
#ifndef THREADLEAK_CLI_SERVE_LISTEN_H
#define THREADLEAK_CLI_SERVE_LISTEN_H

#include <stdbool.h>

#include "base/error.h"

struct listener {
    int fd;
    char url[160];         /* for people: "http://127.0.0.1:9844/", "unix:/run/x" */
    bool loopback;         /* only programs of this machine reach it */
    const char *unix_path; /* the file of the socket, which listener_remove() removes; NULL: TCP */
};

/* ADDR:PORT, [ADDR]:PORT, :PORT (all addresses) or PORT (127.0.0.1). Port 0: a free one, which `url` has. */
bool listener_open_tcp(struct listener *listener, const char *address, struct error *error);
/* Mode 0600. Replaces the socket of a server that was killed, and nothing else. */
bool listener_open_unix(struct listener *listener, const char *path, struct error *error);
/* Removes the file. The caller, or libmicrohttpd, has closed the descriptor. */
void listener_remove(const struct listener *listener);

#endif
