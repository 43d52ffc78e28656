/* The lines of the format "tree". */
#ifndef THREADLEAK_REPORT_TREE_BRANCHES_H
#define THREADLEAK_REPORT_TREE_BRANCHES_H

#include "report/tree/parts.h"

#define TREE_ODD_SHOWN 3 /* lines about odd branches */

enum mark { MARK_NONE, MARK_ODD, MARK_LEAKED, MARK_FOUND, MARKS };
extern const char tree_marks[MARKS]; /* ' ', '<', '*', '!' */

struct tree_printer {
    const struct printer *printer;
    FILE *out;
    int digits;       /* of the numbers at the left */
    size_t width;     /* of a line; TREE_NO_LIMIT: no limit */
    FILE *odd;        /* gets a line for each of the first odd branches */
    size_t odd_count; /* of all */
    bool compact;     /* one line for each place, unless something is special there */
    bool used[MARKS]; /* marks of the lines above */
    bool failed;      /* out of memory */
};

/* The branches of the threads with current stacks, or those with creation stacks. Nothing if there are none.
 */
void tree_put_part(struct tree_printer *tree, const struct stack_tree *stacks, bool by_creation);

#endif
