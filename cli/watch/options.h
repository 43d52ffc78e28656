/* The options of `threadleak watch`. */
#ifndef THREADLEAK_CLI_WATCH_OPTIONS_H
#define THREADLEAK_CLI_WATCH_OPTIONS_H

#include "cli/common/command.h"
#include "cli/common/suppressions.h"

enum { WATCH_PIDS = 256 };

struct watch_options {
    double interval_s, for_s;  /* for_s 0: without end */
    const char *name, *exe;    /* NULL: not given */
    const char *on_leak;       /* NULL: none */
    bool check, json, no_live; /* no_live: no status lines on a terminal */
    unsigned rises;            /* 0: the rules of series.h */
    uint64_t alive, unjoined;  /* thresholds; 0: none */
    double waiting_s;          /* 0: none */
    struct options options;    /* only those about suppressions are used */
    struct suppression_options suppressions;
    pid_t pids[WATCH_PIDS];
    size_t pid_count;
};

/* Its rows set members of struct watch_options. */
extern const struct command_option watch_option_table[];
/* After the command line is parsed: checks what depends on several options, and loads the suppressions. False
 * with an error. The caller releases options->suppressions in both cases. */
bool watch_options_complete(struct watch_options *options, struct error *error);

#endif
