#include "cli/serve/routes.h"

#include <string.h>

static void answer_healthz(struct serving *serving, const struct request *request, struct answer *answer)
{
    (void)serving, (void)request;
    fputs("ok\n", answer->body.out);
}

static const struct route routes[] = {
    {"/healthz", true, answer_healthz},
    {"/metrics", false, route_metrics},
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

void route_answer(const struct route *route, struct serving *serving, const struct request *request,
                  struct answer *answer)
{
    if (!route->open)
        pthread_mutex_lock(&serving->turn);
    route->answer(serving, request, answer);
    if (!route->open)
        pthread_mutex_unlock(&serving->turn);
}
