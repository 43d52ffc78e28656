/* The command line of `threadleak serve`. */
#ifndef THREADLEAK_CLI_SERVE_OPTIONS_H
#define THREADLEAK_CLI_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define HOSTS_MAX 16

struct serve_options {
    const char *listen;     /* ADDR:PORT; NULL: only the Unix socket */
    const char *unix_path;  /* NULL: none */
    const char *token_file; /* NULL: none */
    const char *hosts[HOSTS_MAX];
    size_t host_count;
    bool all_users;
    double find_every_s; /* 0: only when a report is taken anyway */
    double timeout_s;    /* for the request of a client */
};

#endif
