#include "report/tree/stack_tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- order -------------------------------------------------------------------------------- */

static int compare_sizes(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_lines(const struct tree_entry *a, const struct tree_entry *b)
{
    if (!a->depth || !b->depth)
        return compare_sizes(a->depth, b->depth);
    int first = a->frames[a->depth - 1]->line, second = b->frames[b->depth - 1]->line;
    return (first > second) - (first < second);
}

static bool is_running(const struct tree_entry *entry)
{
    const struct thread_stack *current = entry->member.thread->current;
    return current && current->wait.on == WAIT_NONE && current->wait.running;
}

/* Where an ended thread would wait is not known. */
static int compare_ends(const struct tree_entry *a, const struct tree_entry *b)
{
    int order = compare_lines(a, b);
    if (order)
        return order;
    const char *first = a->member.thread->fault, *second = b->member.thread->fault;
    order = strcmp(first ? first : "", second ? second : "");
    order = order ? order : compare_waits(a->member.thread, b->member.thread);
    return order ? order : is_running(a) - is_running(b);
}

/* Orders by the kind of stack, the stack, and at its end by the line and the wait. */
static int compare_threads(const struct tree_entry *a, const struct tree_entry *b)
{
    if (a->by_creation != b->by_creation)
        return a->by_creation - b->by_creation;
    for (size_t i = 0; i < a->depth && i < b->depth; i++) {
        int order = compare_functions(a->frames[i], b->frames[i]);
        if (order)
            return order;
    }
    return a->depth == b->depth ? compare_ends(a, b) : compare_sizes(a->depth, b->depth);
}

static int compare_entries(const void *left, const void *right)
{
    const struct tree_entry *a = left, *b = right;
    int order = compare_threads(a, b);
    if (order)
        return order;
    order = (a->member.group > b->member.group) - (a->member.group < b->member.group);
    return order ? order : (a->member.thread > b->member.thread) - (a->member.thread < b->member.thread);
}

static int compare_ranges(const void *left, const void *right)
{
    const struct tree_range *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->entries > b->entries) - (a->entries < b->entries);
}

/* ---- the tree ----------------------------------------------------------------------------- */

bool stack_tree_make(struct stack_tree *tree, const struct members *members,
                     const struct named_threads *named, const struct report_style *style)
{
    *tree = (struct stack_tree){.entries = calloc(members->count + 1, sizeof(*tree->entries))};
    if (!tree->entries)
        return false;
    for (size_t i = 0; i < members->count; i++) {
        struct tree_entry *entry = &tree->entries[i];
        entry->member = members->items[i];
        entry->place = named_place(named, entry->member.thread);
        entry->by_creation = member_is_by_creation(&entry->member, style);
        entry->frames = member_frames(&entry->member, style, &entry->depth);
        if (!entry->frames)
            return false;
        tree->count++;
    }
    qsort(tree->entries, tree->count, sizeof(*tree->entries), compare_entries);
    return true;
}

void stack_tree_release(struct stack_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        free(tree->entries[i].frames);
    free(tree->entries);
}

static void add_entry(struct tree_range *range, const struct tree_entry *entry)
{
    if (!range->count++)
        *range = (struct tree_range){entry, 1, entry->place};
    range->place = entry->place < range->place ? entry->place : range->place;
}

struct tree_range tree_part(const struct stack_tree *tree, bool by_creation)
{
    struct tree_range range = {tree->entries, 0, NOT_NAMED};
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->entries[i].by_creation == by_creation)
            add_entry(&range, &tree->entries[i]);
    }
    return range;
}

/* ---- branches ----------------------------------------------------------------------------- */

/* Both have the same functions up to `depth`. */
static bool is_same_branch(const struct tree_entry *a, const struct tree_entry *b, size_t depth)
{
    bool ends = a->depth == depth;
    if (ends != (b->depth == depth))
        return false;
    return ends ? compare_ends(a, b) == 0 : compare_functions(a->frames[depth], b->frames[depth]) == 0;
}

bool tree_split(struct tree_ranges *ranges, const struct tree_range *range, size_t depth)
{
    const struct tree_entry *entries = range->entries;
    *ranges = (struct tree_ranges){.items = calloc(range->count + 1, sizeof(*ranges->items))};
    if (!ranges->items)
        return false;
    for (size_t i = 0; i < range->count; i++) {
        ranges->count += i == 0 || !is_same_branch(&entries[i - 1], &entries[i], depth);
        add_entry(&ranges->items[ranges->count - 1], &entries[i]);
    }
    qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
    return true;
}

size_t tree_common_depth(const struct tree_range *range, size_t depth)
{
    /* The entries are sorted: what the first and the last one share, all do. */
    const struct tree_entry *first = &range->entries[0], *last = &range->entries[range->count - 1];
    while (depth < first->depth && depth < last->depth &&
           compare_functions(first->frames[depth], last->frames[depth]) == 0)
        depth++;
    return depth;
}

bool tree_ends(const struct tree_range *range, size_t depth)
{
    /* Those that end come before those that go on. */
    return range->entries[range->count - 1].depth == depth;
}

#define ODD_MIN 8     /* of fewer threads none is odd */
#define ODD_SHARE 10  /* odd: at most a tenth of them */
#define USUAL_SHARE 4 /* and at most a quarter of them does not do what most do */

bool tree_is_odd(const struct tree_ranges *ranges, const struct tree_range *branch)
{
    size_t total = 0, largest = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        total += ranges->items[i].count;
        largest = ranges->items[i].count > largest ? ranges->items[i].count : largest;
    }
    return total >= ODD_MIN && branch->count * ODD_SHARE <= total && (total - largest) * USUAL_SHARE <= total;
}
