/*
 * Reports: finds a format by its name, and prints a report in it. What a format is: report/common/format.h.
 * The model of a report: leak/model.h.
 *
 * directory  formats
 * text       text
 * tree       tree
 * json       json
 * ci         junit, sarif, github, gitlab, tap
 * profile    folded, pprof, and Go's text profiles (go_profile.h)
 * metrics    prom, and the metrics of `serve` (metrics.h)
 * html       html, and the page of `serve` (live_page.h)
 * common     what several formats share: names, places, sentences
 */
#ifndef THREADLEAK_REPORT_REPORT_H
#define THREADLEAK_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "leak/model.h"
#include "report/common/format.h"

/* The n-th format, or NULL after the last. */
const struct report_format *report_format(size_t n);
/* The format with this name, or NULL. */
const struct report_format *report_format_find(const char *name);
/* "text, json, …" */
const char *report_format_names(void);

/* Writes the report, then the side file.  False with errno when a write failed, or without memory. */
bool report_print(const struct report_format *format, FILE *out, const struct report *report,
                  const struct report_style *style);

/* Writes one line for each leak, as the other formats title it, one a line, and at most about `max` bytes:
 * then "and N more sites".  False: out of memory. */
bool report_print_lines(FILE *out, const struct report *report, size_t max);

#endif
