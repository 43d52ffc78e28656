/*
 * Stacks merged from the outermost frame. A range of the sorted entries is a branch: its threads have the
 * same functions up to some depth. Equal functions are merged also at different lines.
 */
#ifndef THREADLEAK_REPORT_TREE_STACK_TREE_H
#define THREADLEAK_REPORT_TREE_STACK_TREE_H

#include "report/common/members.h"
#include "report/common/named.h"

struct tree_entry {
    struct member member;
    const struct frame **frames; /* outermost first (member_frames) */
    size_t depth;                /* number of frames */
    bool by_creation;            /* they are those of its creation (member_is_by_creation) */
    size_t place;                /* of named_place; NOT_NAMED: no finding names it */
};

struct tree_range {
    const struct tree_entry *entries;
    size_t count;
    size_t place; /* the first one of its entries */
};

struct tree_ranges {
    struct tree_range *items;
    size_t count;
};

struct stack_tree {
    struct tree_entry *entries; /* sorted */
    size_t count;
};

/* False: out of memory. Release it in both cases. */
bool stack_tree_make(struct stack_tree *tree, const struct members *members,
                     const struct named_threads *named, const struct report_style *style);
void stack_tree_release(struct stack_tree *tree);

/* The threads with current stacks, or those with creation stacks; count 0: none. */
struct tree_range tree_part(const struct stack_tree *tree, bool by_creation);

/*
 * The branches of a range, whose entries have the same `depth` outermost functions: one for each next
 * function, and one for each way in which threads wait there. Those that findings name come first, then large
 * ones. False: out of memory. The caller frees `items`.
 */
bool tree_split(struct tree_ranges *ranges, const struct tree_range *range, size_t depth);

/* The depth up to which all entries of the range have the same functions, at least `depth`. */
size_t tree_common_depth(const struct tree_range *range, size_t depth);

/* Do all entries end at this depth? */
bool tree_ends(const struct tree_range *range, size_t depth);

/* Is the branch a few of many, whose others go another way? */
bool tree_is_odd(const struct tree_ranges *ranges, const struct tree_range *branch);

#endif
