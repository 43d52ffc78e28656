/* Snapshots of children, and a child that shows whether it goes on. */
#ifndef SNAPSHOT_TAKEN_H
#define SNAPSHOT_TAKEN_H

#include <sys/types.h>

#include "snapshot/snapshot.h"

/* Fails the test where none can be taken.  The caller frees it. */
struct snapshot *take_snapshot(pid_t pid);
/* True, and says so, where the user is not root. */
bool skips_without_root(const char *test);
/* Every thread was stopped. */
void assert_complete(const struct snapshot *snapshot);

/* For a thread: adds to shared->counter for ever, with pauses unless arg is NULL. */
_Noreturn void *keep_counting(void *arg);
/* For child_start: 20 threads add to shared->counter, the first without a pause; SIGRTMIN to shared->signals.
 */
void run_counters(void);
/* Waits until a counter has moved. */
void assert_counter_moves(void);

#endif
