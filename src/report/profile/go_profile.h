/*
 * The texts that Go's net/http/pprof serves (pkg.go.dev/net/http/pprof), for threads instead of goroutines.
 * `go tool pprof` reads the grouped ones as profiles of counts.
 *
 * Names come from the watched program: they are escaped.
 */
#ifndef THREADLEAK_REPORT_PROFILE_GO_PROFILE_H
#define THREADLEAK_REPORT_PROFILE_GO_PROFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

/* debug=1: threads with one current stack, wait and state are one block, the largest first. A thread without
 * a current stack has that of its creation. False: out of memory. */
bool go_print_grouped(FILE *out, const struct report *report);

/* debug=2: each thread with its state, wait, age, stack and creator. False: out of memory. */
bool go_print_threads(FILE *out, const struct report *report);

/* debug=1 of threadcreate: tracked threads that are alive or unjoined, by the stack that created them. */
void go_print_created(FILE *out, const struct report *report);

#endif
