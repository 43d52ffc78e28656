/* What a named thread of a child process waits for. */
#ifndef WAIT_CHILD_H
#define WAIT_CHILD_H

#include <check.h>
#include <stdint.h>
#include <sys/types.h>

#include "wait/wait.h"

extern pid_t child;
extern const char *glibc; /* for wait_context */
/* Set by sample*, for the named thread. */
extern const struct wait *seen;

/* In the child: names the calling thread. */
void named(const char *name);
/* futex(2), for ever. */
void raw_futex_wait(void *word, uint32_t value);
/* In a child of the child: ends by SIGKILL with its parent. */
void prctl_end_with_parent(void);

/* Samples the child until its thread of that name waits in that way. */
void sample(const char *name, enum wait_on on);
/* … and with that text. */
void sample_until(const char *name, enum wait_on on, const char *text);
/* Asserts what was seen; owner: a name, or NULL for none; text NULL: not compared. */
void expect(const char *symbol, const char *owner, enum wait_timeout timeout, const char *text);
/* …and a time that is left, in seconds, which ends the text. */
void expect_left(double least, double most, const char *what);
/* The address that the thread gave to futex(2). */
uint64_t seen_futex(void);
/* Ends the child and forgets what was seen. */
void wait_child_end(void);

/* ---- a child whose main thread waits ---- */

/* Starts it, and waits until it is ready. */
void child_begin(void (*run)(void));
/* In the child: the main thread has the name "waiter" and is about to wait. */
void waiter_ready(void);
void pause_for_ever(void);
/* waiter_ready(), and a byte from a descriptor. */
void read_byte(int fd);
/* The child passes numbers that texts have in them; they are the entries of shared->result. */
void child_report(int number);
int child_reported(int index);
/* Until the next call. */
__attribute__((format(printf, 1, 2))) const char *text_of(const char *format, ...);

/* Runs a suite, and once more with libc as most systems have it, where only what it exports has
 * a name.  What main() returns. */
int wait_suite_run(const char *name, TCase *(*make_tests)(void));

#endif
