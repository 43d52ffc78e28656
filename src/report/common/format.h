/*
 * What a format is: a row in common/formats.def, and one file in a directory of src/report/ that defines its
 * struct report_format.
 *
 * Names and paths in a report come from the watched program and can contain any byte. A format escapes them:
 * base/escape.h, base/json.h, report/ci/xml.h.
 */
#ifndef THREADLEAK_REPORT_COMMON_FORMAT_H
#define THREADLEAK_REPORT_COMMON_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

struct report_style {
    bool color;
    bool others;      /* text: also the main thread and untracked threads, with their current stacks */
    bool all;         /* text: also prints processes and groups that are not counted, in full */
    int verbose;      /* -1 quiet, 0, 1: e.g. runtime frames, paths in full */
    bool by_creation; /* merged stacks: where each thread was created, not where it is now */
    /* For text: */
    unsigned width;   /* columns of the terminal, which lines fit; 0: no terminal, and no line is shortened */
    bool ascii;       /* the character set is not UTF-8 */
    const char *more; /* command that shows what this report shortens; NULL: "-v" */
};

struct report_format {
    const char *name; /* as in formats.def */

    /* Writes the whole report.  False: out of memory; report_print() notices failed writes. */
    bool (*print)(FILE *out, const struct report *report, const struct report_style *style);

    /* Both NULL, or: the path of a second file (NULL: none), and the function that appends to it. */
    const char *(*side_file)(void);
    bool (*print_to_side_file)(FILE *out, const struct report *report); /* false: out of memory */

    bool all_sites;  /* it prints process_report.sites, and measures of live processes */
    bool is_binary;  /* it is not text, and must not be written to a terminal */
    bool is_log;     /* its lines may be mixed with other lines; false: it is a whole document */
    bool for_people; /* `run` prints nothing when nothing leaked; false: always a report */
};

#define FORMAT(name) extern const struct report_format report_##name;
#include "common/formats.def"

#endif
