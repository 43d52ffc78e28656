/* The findings of all watched processes, for their metrics. */
#ifndef THREADLEAK_CLI_SERVE_FINDINGS_H
#define THREADLEAK_CLI_SERVE_FINDINGS_H

#include <signal.h>

#include "cli/serve/routes.h"

/* Takes a report of each process, one after the other, so that requests are answered in between. Returns
 * early when one of these signals is pending. */
void serve_read_findings(struct serving *serving, const sigset_t *until);

#endif
