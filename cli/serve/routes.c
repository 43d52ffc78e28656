#include "cli/serve/routes.h"

#include <string.h>

static void answer_healthz(const struct serve_options *options, const struct request *request,
                           struct answer *answer)
{
    (void)options, (void)request;
    fputs("ok\n", answer->body.out);
}

static const struct route routes[] = {
    {"/healthz", true, answer_healthz},
    {"/debug/pprof/threads", false, route_threads},
    {"/debug/pprof/threadcreate", false, route_created},
};

const struct route *route_find(const char *path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}
