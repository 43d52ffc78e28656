/* What `selftest` wants to know of a report in JSON. */
#ifndef THREADLEAK_CLI_SELFTEST_REPORT_H
#define THREADLEAK_CLI_SELFTEST_REPORT_H

#include <jansson.h>
#include <stdbool.h>

/* NULL: it is not such a document. */
json_t *selftest_parse(const char *text);

/* By keys from the root on, as "summary.leaked_threads"; -1: not there. */
long selftest_number(const json_t *json, const char *keys);

/* The counted leak of this kind, of any process, or NULL. */
const json_t *selftest_find(const json_t *report, const char *kind, long count);
/* The frame of this function, or NULL. */
const json_t *selftest_frame(const json_t *frames, const char *function);

/* How the current stack of its first thread was had ("none" too), and what was said of
 * that for its process; "": nothing. */
const char *selftest_source(const json_t *leak);
const char *selftest_stacks_note(const json_t *report);

#endif
