/* A request: its path, the parameters that are used, and the headers that matter. */
#ifndef THREADLEAK_CLI_SERVE_REQUEST_H
#define THREADLEAK_CLI_SERVE_REQUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "cli/serve/http.h"

struct request {
    const char *path;
    char authority[300]; /* of "GET http://HOST/PATH", and then the host; or "" */
    /* parameters; NULL: not given */
    const char *pid, *debug, *seconds;
    /* headers; NULL: not sent */
    const char *host, *authorization, *accept, *fetch_site, *fetch_mode;
    bool two_hosts;
};

void request_read(struct request *request, struct MHD_Connection *connection, const char *path);

/* 0: not given. False: error says what is wrong. */
bool request_pid(const struct request *request, pid_t *pid, struct error *error);
/* 0 to 2; 0: not given. */
bool request_debug(const struct request *request, int *debug, struct error *error);

/* Did a script or a picture of another site make it? A link of another site may lead here. */
bool request_is_of_another_site(const struct request *request);

#endif
