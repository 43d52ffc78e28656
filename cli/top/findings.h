/* The findings of a report, which is taken on request: that stops the process for some milliseconds. */
#ifndef THREADLEAK_CLI_TOP_FINDINGS_H
#define THREADLEAK_CLI_TOP_FINDINGS_H

#include <sys/types.h>

/* Runs `threadleak report`. The lines are separated by newlines: the verdict, then each finding; or why there
 * is no report. The caller frees them; NULL: out of memory. */
char *findings_take(pid_t pid);

#endif
