/* Reads the facts that `selftest` needs from a report in JSON. */
#ifndef THREADLEAK_CLI_SELFTEST_REPORT_H
#define THREADLEAK_CLI_SELFTEST_REPORT_H

#include <jansson.h>
#include <stdbool.h>

/* NULL: it is not a report in JSON. */
json_t *selftest_parse(const char *text);

/* The number at a path of keys, as "summary.leaked_threads"; -1: there is none. */
long selftest_number(const json_t *json, const char *keys);

/* The leak of this kind and count, of any process, or NULL. */
const json_t *selftest_find(const json_t *report, const char *kind, long count);
/* The frame of this function, or NULL. */
const json_t *selftest_frame(const json_t *frames, const char *function);

/* The source of the current stack of its first thread (can be "none"), and the note about the stacks of its
 * process; "": no note. */
const char *selftest_source(const json_t *leak);
const char *selftest_stacks_note(const json_t *report);

#endif
