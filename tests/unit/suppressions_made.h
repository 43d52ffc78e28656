/* Rules, and a thread that they may match; what the suites check_suppressions* share. */
#ifndef THREADLEAK_SUPPRESSIONS_MADE_H
#define THREADLEAK_SUPPRESSIONS_MADE_H

#include <stdbool.h>
#include <stddef.h>

#include "suppress/suppress.h"

extern struct suppressions *suppressions;
extern char path[64]; /* of a file of rules */
extern struct error error;

/* For every test. */
void ignore_setup(void);
void ignore_teardown(void);

void write_file(const char *name, const char *bytes, size_t length);
void load(const char *text);
/* expected: the error, without the file that it begins with. */
void load_fails(const char *bytes, size_t length, const char *expected);

extern struct suppression_site site;
extern struct suppression_thread thread;
extern const struct frame creation[7], start, current[7];
/* One of these: the user's frames, a library's, libc's. */
void whole_thread(void);

/* The rule that matches it, or NULL. */
const char *match(void);
/* One rule alone: does it match the thread? */
bool matches(const char *rule);
/* The rule that matches a thread that this function created, or NULL. */
const char *match_function(const char *function);

#endif
