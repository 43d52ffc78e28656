/* What a named thread of a child of ours waits for. */
#ifndef WAIT_CHILD_H
#define WAIT_CHILD_H

#include <check.h>
#include <stdint.h>
#include <sys/types.h>

#include "wait/wait.h"

extern pid_t child;
extern const char *glibc; /* for wait_context */
/* Set by look*, of the named thread. */
extern const struct wait *seen;

/* In the child: names the calling thread. */
void named(const char *name);
/* futex(2), for ever. */
void raw_futex_wait(void *word, uint32_t value);
/* In a child of the child: ends by SIGKILL with its parent. */
void prctl_end_with_parent(void);

/* Looks at the child until its thread of that name waits in that way. */
void look(const char *name, enum wait_on on);
/* … and with that text. */
void look_until(const char *name, enum wait_on on, const char *text);
/* Looks once more, whatever it finds. */
void look_at_all(void);
/* Asserts what was seen; owner: a name, or NULL for none; text NULL: not looked at. */
void expect(const char *symbol, const char *owner, enum wait_timeout timeout, const char *text);
/* …and a time that is left, in seconds, which ends the text. */
void expect_left(double least, double most, const char *what);
/* The address that the thread gave to futex(2). */
uint64_t seen_futex(void);
/* Ends the child and forgets what was seen. */
void wait_child_end(void);

/* Runs a suite, and once more with libc as most systems have it, where only what it exports has
 * a name.  What main() returns. */
int wait_suite_run(const char *name, TCase *(*make_tests)(void));

#endif
