/* The parts of the format "tree": what a line says. tree.c lays the lines out. */
#ifndef THREADLEAK_REPORT_TREE_PARTS_H
#define THREADLEAK_REPORT_TREE_PARTS_H

#include "report/tree/stack_tree.h"
#include "report/text/text.h"
#include "report/tree/names.h"

#define TREE_WIDTH 80     /* columns where there is no terminal */
#define TREE_WIDTH_MIN 24 /* of what is right of the branches */

/* "condvar wait on jobs_ready, no timeout, for 3.2 s"; "now running"; "": not known. Of threads that end at
 * one depth. */
char *tree_wait(const struct printer *printer, const struct tree_range *range);

/* Of threads of one group: `T3-T151 "pool-*", by pool_start:42`. It is shortened step by step, from the
 * creation site on, to fit `width`. `file`: of the line above, which is not repeated; NULL: none. */
char *tree_threads(const struct printer *printer, const struct tree_range *range, const char *file,
                   size_t width);

/* `T2 "pool-0"` */
char *tree_first_thread(const struct tree_range *range);

#endif
