/* Durations as people read them. */
#ifndef THREADLEAK_REPORT_DURATION_H
#define THREADLEAK_REPORT_DURATION_H

#include <stddef.h>

#include "leak/model.h"

/* "35 ms", "1.2 s", "3 min 20 s", "5 h 2 min"; "?" below zero. */
void format_duration(char *out, size_t size, double seconds);

/* "1.2 s" or "0.3 s to 1.2 s". */
void format_range(char *out, size_t size, double low, double high);

#define TIMEOUT_TEXT_MAX 64
/* "timed out after 1.2 s", or "" when the run did not time out.  Returns `out`. */
const char *format_timeout(char out[TIMEOUT_TEXT_MAX], const struct report *report);

#endif
