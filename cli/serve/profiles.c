/* /debug/pprof/threads and /debug/pprof/threadcreate */
#include "cli/serve/report.h"
#include "cli/serve/routes.h"
#include "report/go_profile.h"

static unsigned status_of(enum taken taken)
{
    return taken == REPORT_NO_PROCESS  ? MHD_HTTP_NOT_FOUND
           : taken == REPORT_FORBIDDEN ? MHD_HTTP_FORBIDDEN
                                       : MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static void print_threads(const struct report *report, int debug, struct answer *answer)
{
    bool done =
        debug == 2 ? go_print_threads(answer->body.out, report) : go_print_grouped(answer->body.out, report);
    if (!done)
        answer_error(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

static void print_created(const struct report *report, int debug, struct answer *answer)
{
    (void)debug;
    go_print_created(answer->body.out, report);
}

typedef void print_fn(const struct report *report, int debug, struct answer *answer);

static void answer_profile(struct serving *serving, const struct wanted_report *wanted, int debug,
                           print_fn *print, struct answer *answer)
{
    struct taken_report report;
    struct error error;
    enum taken taken = report_take(&report, wanted, &error);
    if (taken != REPORT_TAKEN) {
        answer_error(answer, status_of(taken), "%s", error.text);
        return;
    }
    if (wanted->stacks)
        fleet_keep_findings(serving->fleet, report.report);
    print(report.report, debug, answer);
    report_release(&report);
}

static void answer_request(struct serving *serving, const struct request *request, bool stacks,
                           print_fn *print, struct answer *answer)
{
    struct wanted_report wanted = {.all_users = serving->options->all_users, .stacks = stacks};
    struct error error;
    int debug;
    if (!request_pid(request, &wanted.pid, &error) || !request_debug(request, &debug, &error))
        answer_error(answer, MHD_HTTP_BAD_REQUEST, "%s", error.text);
    else if (request->seconds)
        answer_error(answer, MHD_HTTP_BAD_REQUEST, "seconds= is not supported: a profile is of one moment");
    else
        answer_profile(serving, &wanted, debug, print, answer);
}

void route_threads(struct serving *serving, const struct request *request, struct answer *answer)
{
    answer_request(serving, request, true, print_threads, answer);
}

void route_created(struct serving *serving, const struct request *request, struct answer *answer)
{
    answer_request(serving, request, false, print_created, answer);
}
