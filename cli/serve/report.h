/* Reports of the processes that are served. */
#ifndef THREADLEAK_CLI_SERVE_REPORT_H
#define THREADLEAK_CLI_SERVE_REPORT_H

#include "base/error.h"
#include "leak/model.h"
#include "symbolize/symbolize.h"

struct wanted_report {
    pid_t pid;      /* 0: every watched process */
    bool all_users; /* processes_list */
    bool stacks;    /* stop the processes for their current stacks */
};

enum taken { REPORT_TAKEN, REPORT_NO_PROCESS, REPORT_FORBIDDEN, REPORT_FAILED };

struct taken_report {
    struct symbolizer *symbolizer;
    struct report *report;
};

/* A process that ends meanwhile is left out, unless it was asked for by its pid. REPORT_TAKEN: release it. */
enum taken report_take(struct taken_report *taken, const struct wanted_report *wanted, struct error *error);
void report_release(struct taken_report *taken);

#endif
