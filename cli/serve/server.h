/*
 * The HTTP server: a thread for each connection, one request in each. A client that is slow or hostile holds
 * only its own connection, and that not for long (deadlines.h).
 */
#ifndef THREADLEAK_CLI_SERVE_SERVER_H
#define THREADLEAK_CLI_SERVE_SERVER_H

#include "cli/serve/deadlines.h"
#include "cli/serve/http.h"
#include "cli/serve/listen.h"
#include "cli/serve/options.h"
#include "cli/serve/routes.h"

struct server {
    const struct serve_options *options;
    struct serving serving;
    struct listener listener;
    struct deadlines deadlines;
    struct MHD_Daemon *daemon;
};

/* `options` and `listener` are set. The signals that end the program are blocked in its threads. Takes over
 * the descriptor of the listener. */
bool server_start(struct server *server, struct error *error);
/* Waits for answers that are under way. */
void server_stop(struct server *server);

#endif
