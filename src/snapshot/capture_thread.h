/*
 * The registers of one thread, and which parts of its memory are copied: the top of its stack, and the object
 * that it waits for. Only the tracing thread calls these functions.
 */
#ifndef THREADLEAK_SNAPSHOT_CAPTURE_THREAD_H
#define THREADLEAK_SNAPSHOT_CAPTURE_THREAD_H

#include "snapshot/copy.h"
#include "snapshot/stop.h"

enum { OBJECT_BYTES = 64 }; /* on both sides of a futex: contains its mutex or condition variable */

/* NULL: it is not in the list. */
struct tracee *capture_tracee(const struct stop *stop, pid_t tid);

/* Replaces all of `thread`. */
void capture_regs(const struct stop *stop, const struct tracee *tracee, struct snapshot_thread *thread);

/* Plans the copies of its stack, of at most `each` bytes, and of its object. */
void capture_plan(const struct snapshot *snapshot, struct snapshot_arena *arena,
                  struct snapshot_thread *thread, uint64_t each);
void capture_plan_object(const struct snapshot *snapshot, struct snapshot_arena *arena,
                         struct snapshot_thread *thread);
/* Reads what is planned, of `count` threads. Out of memory: all copies are empty. */
void capture_copies(const struct snapshot *snapshot, struct snapshot_thread *threads, size_t count);

#endif
