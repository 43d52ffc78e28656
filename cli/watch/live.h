/* Status lines at the end of a terminal, which each sample draws again. */
#ifndef THREADLEAK_CLI_WATCH_LIVE_H
#define THREADLEAK_CLI_WATCH_LIVE_H

#include "cli/watch/targets.h"

struct live {
    bool on;
    size_t lines; /* on the screen */
};

/* wanted: only if standard output is a terminal that can move its cursor. */
void live_begin(struct live *live, bool wanted);
/* Before other output. */
void live_clear(struct live *live);
void live_show(struct live *live, const struct watch_targets *targets);

#endif
