/* A report as Markdown, for the summary of a job of GitHub Actions. */
#ifndef THREADLEAK_REPORT_GITHUB_SUMMARY_H
#define THREADLEAK_REPORT_GITHUB_SUMMARY_H

#include <stdio.h>

#include "report/parts.h"

/* Not above a quarter of the 1 MiB that a step may write, and at least a line. */
void put_github_summary(FILE *out, const struct report *report, const struct leak_sites *sites);

#endif
