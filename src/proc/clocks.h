/*
 * The clocks of a process in another time namespace (time_namespaces(7), Linux 5.6): its CLOCK_MONOTONIC, of
 * which its ledger is, differs from that of this program by a fixed time.
 */
#ifndef THREADLEAK_PROC_CLOCKS_H
#define THREADLEAK_PROC_CLOCKS_H

#include <stdint.h>
#include <sys/types.h>

/* What its clock is ahead of ours, ns; < 0: it is behind; 0 also if that is unknown. */
int64_t process_clock_ahead_ns(pid_t pid);
/* CLOCK_MONOTONIC as the process reads it now. */
uint64_t process_now_ns(pid_t pid);

#endif
