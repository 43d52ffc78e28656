/*
 * Suppressions: rules of the form "thread:PATTERN", one a line, '#' begins a
 * comment line.  PATTERN is compared with the function, source file and module
 * of every frame of a creation stack and of the start routine: it may match
 * anywhere in the name, '*' stands for any text, '^' and '$' tie it to the
 * beginning and the end (as in LSan's and TSan's files).
 */
#ifndef THREADLEAK_IGNORE_H
#define THREADLEAK_IGNORE_H

#include "ledger_read.h" /* struct error */
#include "symbolize.h"

struct ignore;

struct ignore *ignore_new(void);
void ignore_free(struct ignore *ignore);
/* Reads a file of rules.  False: error names file, line and what is wrong. */
bool ignore_load(struct ignore *ignore, const char *path, struct error *error);
/* Reads rules from memory; `origin` stands in errors where a file's path does. */
bool ignore_load_text(struct ignore *ignore, const char *text, const char *origin, struct error *error);
/* The first rule ("thread:foo") that matches one of the frames, or NULL. */
const char *ignore_match(const struct ignore *ignore, const struct frame *frames, size_t count);

#endif
