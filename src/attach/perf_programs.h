/*
 * A uprobe is a breakpoint in the whole process as long as one event of one of its threads wants it. An event
 * records only the hits of its own thread. A program (BPF) that such an event has runs at all hits of the
 * process, and makes another event, which belongs to no thread, record them. So threads inherit nothing:
 * inheriting took 80 microseconds for each creation on 2 CPUs, and as much more for each further CPU.
 */
#ifndef THREADLEAK_ATTACH_PERF_PROGRAMS_H
#define THREADLEAK_ATTACH_PERF_PROGRAMS_H

#include "attach/perf_events.h"

/* Programs that write the records of hits. False: this kernel has none, or this user may not. */
bool perf_load_programs(struct perf *perf);
/* Adds the breakpoints for the process of the thread, as long as this one or another holder lives. */
bool perf_hold(struct perf *perf, pid_t tid);
/* Later hits of a probe record so many bytes of the stack. */
bool perf_copy_more(struct perf *perf, size_t probe, uint32_t bytes);
void perf_release_holders(struct perf *perf);
/* Searches for the end of a holder. */
void perf_note_task(struct perf *perf, const struct perf_record *record);

#endif
