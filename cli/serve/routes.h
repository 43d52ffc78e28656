/* What each path answers. To add one, add a row to the table in routes.c. */
#ifndef THREADLEAK_CLI_SERVE_ROUTES_H
#define THREADLEAK_CLI_SERVE_ROUTES_H

#include <pthread.h>

#include "cli/serve/answer.h"
#include "cli/serve/fleet.h"
#include "cli/serve/options.h"
#include "cli/serve/report.h"
#include "cli/serve/request.h"

/* What the answers are made from. */
struct serving {
    const struct serve_options *options;
    struct fleet *fleet;
    struct report_maker maker;
    pthread_mutex_t turn; /* of the thread that reads processes: it uses ptrace, and symbolizers */
};

typedef void route_fn(struct serving *serving, const struct request *request, struct answer *answer);

struct route {
    const char *path;
    bool open;  /* without a token */
    bool turns; /* it reads processes */
    route_fn *answer;
};

/* NULL: no such path. */
const struct route *route_find(const char *path);

/* In its turn. */
void route_answer(const struct route *route, struct serving *serving, const struct request *request,
                  struct answer *answer);

route_fn route_metrics, route_threads, route_created, route_page, route_data;

#endif
