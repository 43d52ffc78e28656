/* Printers: each turns a finished report into one format. */
#ifndef THREADLEAK_REPORT_REPORT_H
#define THREADLEAK_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

struct report_style {
    bool color;
    bool others; /* text: also the main thread and those whose creation was not seen, where they are now */
    bool all;    /* text: the processes and groups that are not counted as well, in full */
    int verbose; /* -1 quiet, 0, 1: e.g. runtime frames, paths in full */
};

struct report_format {
    const char *name;
    /* Writes the whole report; false with errno when a write failed. */
    bool (*print)(FILE *out, const struct report *report, const struct report_style *style);
};

extern const struct report_format report_text, report_json, report_junit, report_sarif, report_github,
    report_gitlab, report_tap;

/* By name, or NULL. */
const struct report_format *report_format_find(const char *name);
/* "text, json, …" */
const char *report_format_names(void);

#endif
