/* Where threads are now, as text: what report_group.c and report_text.c have in common. */
#ifndef THREADLEAK_REPORT_STACKS_H
#define THREADLEAK_REPORT_STACKS_H

#include "report/group.h"

/*
 * Threads of one group: those with equal stack and wait make one block, with who
 * they are when there are several blocks.  Nothing when nobody looked.
 */
void print_current(const struct printer *printer, const struct thread_info *threads, size_t count);

/* Have they all one stack and one wait (or none at all)? */
bool is_one_block(const struct thread_info *threads, size_t count);

#endif
