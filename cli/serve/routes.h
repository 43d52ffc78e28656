/* What each path answers. To add one, add a row to the table in routes.c. */
#ifndef THREADLEAK_CLI_SERVE_ROUTES_H
#define THREADLEAK_CLI_SERVE_ROUTES_H

#include "cli/serve/answer.h"
#include "cli/serve/options.h"
#include "cli/serve/request.h"

typedef void route_fn(const struct serve_options *options, const struct request *request,
                      struct answer *answer);

struct route {
    const char *path;
    bool open; /* without a token */
    route_fn *answer;
};

/* NULL: no such path. */
const struct route *route_find(const char *path);

/* Only one at a time calls this: it uses ptrace and a symbolizer. */
route_fn route_threads, route_created;

#endif
