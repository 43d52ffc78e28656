/* Reports of the processes that are served. */
#ifndef THREADLEAK_CLI_SERVE_REPORT_H
#define THREADLEAK_CLI_SERVE_REPORT_H

#include "base/error.h"
#include "leak/model.h"
#include "symbolize/symbolize.h"

struct wanted_report {
    pid_t pid;      /* 0: every watched process */
    bool all_users; /* processes.h */
    bool watched;   /* with a pid: leave it out if it is not watched */
    bool stacks;    /* stop the processes for their current stacks */
};

enum taken { REPORT_TAKEN, REPORT_NO_PROCESS, REPORT_FORBIDDEN, REPORT_FAILED };

/* The symbolizer of reports is kept for the next ones, because reading debug information takes longest. */
struct report_maker {
    struct symbolizer *symbolizer; /* NULL: none yet */
    unsigned reports;
};
void report_maker_release(struct report_maker *maker);

/* A process that ends meanwhile is left out, unless it was asked for by its pid. REPORT_TAKEN: the caller
 * frees the report before the next one is taken. */
enum taken report_take(struct report_maker *maker, const struct wanted_report *wanted, struct report **report,
                       struct error *error);

#endif
