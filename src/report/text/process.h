/* The parts of a process in the text report: head, threads, foot. Private to report/text/. */
#ifndef THREADLEAK_REPORT_TEXT_PROCESS_H
#define THREADLEAK_REPORT_TEXT_PROCESS_H

#include "report/text/text.h"

struct thread_counts {
    uint64_t live, finished, sites; /* of all groups */
    uint64_t leaked, leaked_sites;  /* of those that are counted */
    uint64_t by_kind[LEAK_KINDS];   /* of those that are counted */
    uint64_t suppressed;            /* by rules that are not built in */
};
struct thread_counts count_threads(const struct process_report *process);

/* The foot. all: as of print_groups(). */
void print_foot(const struct printer *printer, const struct process_report *process, bool all);

/* True: print_process() prints the untracked threads with their stacks; false: print_foot() names them in one
 * line. */
bool lists_untracked(const struct printer *printer, const struct process_report *process);

#endif
