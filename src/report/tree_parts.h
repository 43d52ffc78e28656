/* The parts of the format "tree": what a line says. tree.c lays the lines out. */
#ifndef THREADLEAK_REPORT_TREE_PARTS_H
#define THREADLEAK_REPORT_TREE_PARTS_H

#include "report/stack_tree.h"
#include "report/text_parts.h"

#define TREE_WIDTH 80      /* columns where there is no terminal */
#define TREE_WIDTH_MIN 24  /* of what is right of the branches */
#define TREE_NO_LIMIT 4096 /* columns of a line that is not shortened */

#define TREE_NAME 40 /* columns of a name, if all fit */
#define TREE_NAME_SHORT 24

/* A function without arguments and return type, then without template arguments and the first components of
 * its name, to fit `width`. Not escaped. */
void tree_function(char *out, size_t size, const struct frame *frame, size_t width);

/* "main > serve > handle": the functions of a range from one depth to another, in at most `width` columns if
 * that is possible. Strings are malloc'ed and escaped; NULL: out of memory. */
char *tree_functions(const struct tree_range *range, size_t from, size_t to, size_t width);

/* "src/pool.c:17" of the frame before a depth; without the line if it differs; without directories if it is
 * wider than `width`. "": not known. */
char *tree_place(const struct printer *printer, const struct tree_range *range, size_t depth, size_t width);

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
