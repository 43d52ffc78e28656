/* A report as Markdown, for the summary of a job of GitHub Actions. */
#ifndef THREADLEAK_REPORT_GITHUB_SUMMARY_H
#define THREADLEAK_REPORT_GITHUB_SUMMARY_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

/* At most about a quarter of the 1 MiB that GitHub takes from a step.  False: out of memory. */
bool print_github_summary(FILE *out, const struct report *report);

#endif
