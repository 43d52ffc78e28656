/*
 * Events of the kernel about the threads of one process: perf_event_open(2).
 *
 * A probe is a breakpoint in a file (uprobe): at each hit by the process, the kernel records the registers
 * and the top of the user stack. Starts, ends and names of threads are records of their own.
 *
 * Only this process has the breakpoints. A program in the kernel (BPF) runs at each hit of any of its
 * threads. Where that is not possible, each thread gets an event for each probe and CPU, which the threads
 * that it creates inherit. All events of a CPU write into one ring.
 */
#ifndef THREADLEAK_ATTACH_PERF_H
#define THREADLEAK_ATTACH_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/perf_record.h"
#include "base/error.h"

struct perf;

/*
 * Opens the rings, without events. ring_bytes: of each ring, a power of two times the page size. system_wide:
 * the events will be those of all processes. NULL with an error: this kernel or this user cannot use perf
 * events.
 */
struct perf *perf_new(const struct perf_probe *probes, size_t count, size_t ring_bytes, bool system_wide,
                      struct error *error);
/*
 * Adds the events for a thread, and for the threads that it will create. The last probe of the array is added
 * last, together with the records about threads: if PERF_BEGIN is recorded for a thread, its creator had all
 * events. Adding a thread twice doubles its records. tid -1: of all processes, as perf_new was asked for.
 * False with errno: ESRCH: it has ended; EMFILE; EACCES …
 */
bool perf_add(struct perf *perf, pid_t tid);
/*
 * The breakpoints stay as long as one of the first threads that were added lives. True: some have ended, and
 * others began: add all threads again. *missed: none was left, so that creations may have been missed.
 */
bool perf_wants_threads(struct perf *perf, bool *missed);
/* Changes how many bytes of the stack a hit of a probe records from now on. False: it does not change. */
bool perf_set_stack(struct perf *perf, size_t probe, uint32_t bytes);
/* Waits until there are records, at most so long. */
void perf_wait(const struct perf *perf, int ms);
/*
 * Takes the records that are complete, in the order of time: those before *until, a time some milliseconds
 * ago. all: also the later ones, once the process has ended. The array and its stacks belong to the caller.
 * False: out of memory.
 */
bool perf_read(struct perf *perf, bool all, struct perf_record **records, size_t *count, uint64_t *until);
void perf_free(struct perf *perf);

#endif
