/* /metrics */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/serve/fleet.h"
#include "cli/serve/routes.h"

/* ---- Accept (RFC 9110, 12.5.1) ------------------------------------------------------------ */

/* The weight of the first media range of this name; 0: there is none. */
static double weight_of(const char *accept, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = accept; at; at = strchr(at, ',')) {
        at += strspn(at, ", \t");
        size_t range = strcspn(at, ",");
        if (strncasecmp(at, name, length) != 0 || (at[length] && !strchr(",; \t", at[length])))
            continue;
        const char *q = memmem(at, range, "q=", 2);
        return q ? strtod(q + 2, NULL) : 1;
    }
    return 0;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static enum metrics_syntax chosen(const char *accept)
{
    if (!accept)
        return METRICS_TEXT;
    double open = weight_of(accept, "application/openmetrics-text");
    double text = larger(weight_of(accept, "text/plain"), weight_of(accept, "text/*"));
    return open > 0 && open >= text ? METRICS_OPEN : METRICS_TEXT;
}

/* ---- the answer ------------------------------------------------------------------------------ */

void route_metrics(struct serving *serving, const struct request *request, struct answer *answer)
{
    enum metrics_syntax syntax = chosen(request->accept);
    struct error error = {"out of memory"};
    const struct metrics_process *processes;
    size_t count = 1;
    pid_t pid;
    if (!request_pid(request, &pid, &error)) {
        answer_error(answer, MHD_HTTP_BAD_REQUEST, "%s", error.text);
        return;
    }
    processes = pid ? fleet_sample_one(serving->fleet, pid, &error) : fleet_sample(serving->fleet, &count);
    answer->type = metrics_content_type(syntax);
    answer->header[0] = "Vary", answer->header[1] = "Accept";
    if (!processes)
        answer_error(answer, pid ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", error.text);
    else if (!metrics_print(answer->body.out, processes, count, syntax))
        answer_error(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}
