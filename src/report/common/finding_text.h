/* A finding in one line, and in several. Strings are malloc'ed, NULL when out of memory; they are well-formed
 * UTF-8 without control characters except newlines. */
#ifndef THREADLEAK_REPORT_COMMON_FINDING_TEXT_H
#define THREADLEAK_REPORT_COMMON_FINDING_TEXT_H

#include <stdbool.h>

#include "leak/model.h"

/* "deadlock: T1 joins T2, which waits for mutex jobs_lock, held by T1"; "likely deadlock: ..." */
char *finding_line(const struct finding *finding);

/* Its evidence, one a line: "T1 joins T2, at shutdown (src/pool.c:42)". */
char *finding_details(const struct finding *finding);

/* The first place of it that has a file, else the first place; NULL: none. */
const struct frame *finding_place(const struct finding *finding);

/* It is no note, unless --fail-on names it, and is not suppressed. */
bool finding_counts(const struct finding *finding);

/* Does it count, and is a result of its own, since no counted group has it as its message? */
bool finding_is_alone(const struct finding *finding);

/* The verdict of the first process that has one; "": none. */
const char *first_verdict(const struct report *report);

#endif
