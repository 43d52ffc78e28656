/* A made-up report, and what the printers make of it: compared with tests/golden/report_*.
 *   UPDATE=1 build/tests/unit/check_report_NAME      writes the goldens anew: read each before you keep it */
#ifndef REPORT_MADE_H
#define REPORT_MADE_H

#include <limits.h>

#include <jansson.h>

#include "report/report.h"

#define APP "/usr/bin/app"
#define LIBC "/usr/lib/libc.so.6"

extern char pool_c[PATH_MAX], main_c[PATH_MAX]; /* below the working directory */
extern const struct frame worker, libc_start;
struct frame frame_in(const char *function, const char *file, int line);

/* Before each test: a process with one leak, of two threads.  pool_start called by main, with
 * libc's start-up code below. */
extern struct report report;
extern struct process_report one_process[1];
extern struct leak_group one_group[1];
extern struct thread_info two[2];
extern struct frame plain_stack[3];
extern char *command[];
void report_set_up(void);

/* Release it. */
char *printed(const struct report_format *format, struct report_style style);
/* Fail the test if the printed report differs from the golden of that name. */
void text_is(const char *name, struct report_style style);
void json_is(const char *name);
/* The report in the format "json", parsed. Release it. */
json_t *report_parsed(void);
#define TEXT(name, ...) text_is(name, (struct report_style){__VA_ARGS__})

#endif
