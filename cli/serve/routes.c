#include "cli/serve/routes.h"

#include <string.h>

static void answer_healthz(struct serving *serving, const struct request *request, struct answer *answer)
{
    (void)serving, (void)request;
    fputs("ok\n", answer->body.out);
}

static const struct route routes[] = {
    {"/", false, false, route_page},
    {"/data", false, true, route_data},
    {"/healthz", true, false, answer_healthz},
    {"/metrics", false, true, route_metrics},
    {"/debug/pprof/threads", false, true, route_threads},
    {"/debug/pprof/threadcreate", false, true, route_created},
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
    if (route->turns)
        pthread_mutex_lock(&serving->turn);
    route->answer(serving, request, answer);
    if (route->turns)
        pthread_mutex_unlock(&serving->turn);
}
