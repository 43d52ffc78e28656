/*
 * Serves processes of COMMAND's tree that changed their user or their root, and cannot
 * reach the directory of the run any more. The protocol is ledger_run_request in ledger.h.
 * A separate thread answers while COMMAND runs.
 */
#ifndef THREADLEAK_CLI_RUN_SERVER_H
#define THREADLEAK_CLI_RUN_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct run_server {
    int fd; /* listening */
    pthread_t thread;
    bool running;
    pid_t root; /* COMMAND */
    const char *directory;
};

/* Call it before COMMAND begins. `directory` must be valid until the end. If it fails, no process gets an
 * answer. */
void run_server_start(struct run_server *server, pid_t root, const char *directory);
/* Finishes the current request, then stops. */
void run_server_end(struct run_server *server);

#endif
