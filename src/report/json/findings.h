/* The findings in the format "json". The caller owns what the function returns. */
#ifndef THREADLEAK_REPORT_JSON_FINDINGS_H
#define THREADLEAK_REPORT_JSON_FINDINGS_H

#include <jansson.h>

#include "leak/model.h"

/*
 * The findings that name one of these threads, which are a thread or a leak group. Each names only those
 * threads and has no evidence, because both can be thousands. threads NULL: all findings, in full, for the
 * process. NULL: out of memory.
 */
json_t *findings_json(const struct findings *findings, const struct thread_info *threads, size_t count);

#endif
