/* The names of functions and files in the format "tree". */
#ifndef THREADLEAK_REPORT_TREE_NAMES_H
#define THREADLEAK_REPORT_TREE_NAMES_H

#include "report/tree/stack_tree.h"
#include "report/text/text.h"

#define TREE_NO_LIMIT 4096 /* columns of a line that is not shortened */
#define TREE_NAME 40       /* columns of a name, if all fit */
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

#endif
