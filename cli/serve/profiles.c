/* /debug/pprof/threads and /debug/pprof/threadcreate */
#include <pthread.h>

#include "cli/serve/report.h"
#include "cli/serve/routes.h"
#include "report/go_profile.h"

/* One report at a time: of two, each would get half of the threads of a process. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

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

static void answer_profile(const struct wanted_report *wanted, int debug, print_fn *print,
                           struct answer *answer)
{
    struct taken_report report;
    struct error error;
    pthread_mutex_lock(&turn);
    enum taken taken = report_take(&report, wanted, &error);
    if (taken == REPORT_TAKEN) {
        print(report.report, debug, answer);
        report_release(&report);
    } else {
        answer_error(answer, status_of(taken), "%s", error.text);
    }
    pthread_mutex_unlock(&turn);
}

static void answer_request(const struct serve_options *options, const struct request *request, bool stacks,
                           print_fn *print, struct answer *answer)
{
    struct wanted_report wanted = {.all_users = options->all_users, .stacks = stacks};
    struct error error;
    int debug;
    if (!request_pid(request, &wanted.pid, &error) || !request_debug(request, &debug, &error))
        answer_error(answer, MHD_HTTP_BAD_REQUEST, "%s", error.text);
    else if (request->seconds)
        answer_error(answer, MHD_HTTP_BAD_REQUEST, "seconds= is not supported: a profile is of one moment");
    else
        answer_profile(&wanted, debug, print, answer);
}

void route_threads(const struct serve_options *options, const struct request *request, struct answer *answer)
{
    answer_request(options, request, true, print_threads, answer);
}

void route_created(const struct serve_options *options, const struct request *request, struct answer *answer)
{
    answer_request(options, request, false, print_created, answer);
}
