/* The parts of `threadleak _explain`: how the shim has its process explained. */
#ifndef THREADLEAK_CLI_EXPLAIN_EXPLAIN_H
#define THREADLEAK_CLI_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "leak/build.h"
#include "common/options.h"
#include "cli/common/suppressions.h"

struct explain {
    bool dump, keep;
    pid_t pid;
    const char *directory; /* of the run; NULL: not given */
    bool has_fd;           /* the report goes there, and not where the options say */
    int fd;
    struct options options;
    struct ledger *ledger;
    struct suppression_options suppressions;
    struct symbolizer *symbolizer;
    struct report *report;
};

/* The ledger of the process, and the options in it. */
bool explain_open(struct explain *explain, struct error *error);
/* Collects, judges and sums up. */
bool explain_judge(struct explain *explain, const struct verdict_rules *rules, struct error *error);
/* The finished report, in one piece. */
bool explain_write(const struct explain *explain);
void explain_release(struct explain *explain);

/* `check` and `dumpto`, cmd_explain_check.c: the second returns an exit status. */
bool explain_is_question(const char *mode);
int explain_question(int argc, char **argv);

#endif
