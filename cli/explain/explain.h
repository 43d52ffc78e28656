/* The parts of `threadleak _explain`, which the shim runs to report its process. */
#ifndef THREADLEAK_CLI_EXPLAIN_EXPLAIN_H
#define THREADLEAK_CLI_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "leak/baseline.h"
#include "leak/build.h"
#include "common/options.h"
#include "cli/common/suppressions.h"

struct explain {
    bool dump, save, at_end;
    pid_t pid;
    const char *directory; /* directory of the run; NULL: not given */
    struct stacks_park park;
    bool has_fd; /* write the report to fd, whatever the options are */
    int fd;
    struct options options;
    struct ledger *ledger;
    struct suppression_options suppressions;
    struct baseline *baseline; /* NULL: none */
    struct symbolizer *symbolizer;
    struct report *report;
};

/* Opens the ledger of the process, and reads its options. */
bool explain_open(struct explain *explain, struct error *error);
/* Makes the symbolizer and the empty report. False: out of memory. */
bool explain_prepare(struct explain *explain);
/* Collects, judges and groups. */
bool explain_judge(struct explain *explain, const struct verdict_rules *rules, struct error *error);
/* Writes the finished report with one write. */
bool explain_write(const struct explain *explain);
void explain_release(struct explain *explain);

/* `check` and `dumpto` are in check.c. explain_question returns an exit status. */
bool explain_is_question(const char *mode);
int explain_question(int argc, char **argv);

#endif
