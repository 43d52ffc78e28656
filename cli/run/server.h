/*
 * What `threadleak run` does for processes of COMMAND's tree that changed their user
 * or their root, and cannot reach the run's directory any more (ledger.h,
 * "ledger_run_request").  It answers in a thread of its own while COMMAND runs.
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

/* Before COMMAND begins; directory must live until the end.  Where it cannot be had,
 * nobody is answered. */
void run_server_start(struct run_server *server, pid_t root, const char *directory);
/* What is being done is finished first. */
void run_server_end(struct run_server *server);

#endif
