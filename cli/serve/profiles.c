/* What takes a report: /debug/pprof/threads, /debug/pprof/threadcreate, and the data of the page. */
#include "cli/serve/report.h"
#include "cli/serve/routes.h"
#include "report/profile/go_profile.h"
#include "report/html/live_page.h"
#include "report/report.h"

static unsigned status_of(enum taken taken)
{
    return taken == REPORT_NO_PROCESS  ? MHD_HTTP_NOT_FOUND
           : taken == REPORT_FORBIDDEN ? MHD_HTTP_FORBIDDEN
                                       : MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* Without debug=: the protobuf, which is gzipped, and which Go serves as this type. */
static void print_protobuf(const struct report *report, bool by_creation, struct answer *answer)
{
    const struct report_style style = {.others = !by_creation, .by_creation = by_creation};
    answer->type = "application/octet-stream";
    answer->file = by_creation ? "threadcreate.pb.gz" : "threads.pb.gz";
    if (!report_pprof.print(answer->body.out, report, &style))
        answer_error(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

static void print_threads(const struct report *report, int debug, struct answer *answer)
{
    bool done = true;
    if (debug == 0)
        print_protobuf(report, false, answer);
    else if (debug == 1)
        done = go_print_grouped(answer->body.out, report);
    else
        done = go_print_threads(answer->body.out, report);
    if (!done)
        answer_error(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

static void print_created(const struct report *report, int debug, struct answer *answer)
{
    if (debug == 0)
        print_protobuf(report, true, answer);
    else
        go_print_created(answer->body.out, report);
}

typedef void print_fn(const struct report *report, int debug, struct answer *answer);

static void answer_profile(struct serving *serving, const struct wanted_report *wanted, int debug,
                           print_fn *print, struct answer *answer)
{
    struct report *report;
    struct error error;
    enum taken taken = report_take(&serving->maker, wanted, &report, &error);
    if (taken != REPORT_TAKEN) {
        answer_error(answer, status_of(taken), "%s", error.text);
        return;
    }
    if (wanted->stacks)
        fleet_keep_findings(serving->fleet, report);
    print(report, debug, answer);
    report_free(report);
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

/* ---- the page ------------------------------------------------------------------------------ */

void route_page(struct serving *serving, const struct request *request, struct answer *answer)
{
    char source[64] = "/data";
    struct error error;
    pid_t pid;
    (void)serving;
    if (!request_pid(request, &pid, &error)) {
        answer_error(answer, MHD_HTTP_BAD_REQUEST, "%s", error.text);
        return;
    }
    if (pid)
        snprintf(source, sizeof(source), "/data?pid=%d", (int)pid);
    answer->type = "text/html; charset=utf-8";
    report_print_live_page(answer->body.out, source);
}

static void print_data(const struct report *report, int debug, struct answer *answer)
{
    (void)debug;
    answer->type = "application/json";
    if (!report_print_page_data(answer->body.out, report))
        answer_error(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

void route_data(struct serving *serving, const struct request *request, struct answer *answer)
{
    answer_request(serving, request, true, print_data, answer);
}
