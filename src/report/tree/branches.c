#include "report/tree/branches.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

#define LEVELS_MAX 12   /* of branches inside branches, which move to the right */
#define BRANCHES_MAX 16 /* of one branch, which are shown unless style.all */
#define WAIT_LEAST 12   /* columns for a wait behind functions */
#define GROUPS_SHOWN 3  /* of threads that wait at one place */

const char tree_marks[MARKS] = {[MARK_NONE] = ' ', [MARK_ODD] = '<', [MARK_LEAKED] = '*', [MARK_FOUND] = '!'};

/* What precedes the text of a line. */
struct place_in_tree {
    char before[8 * LEVELS_MAX + 8]; /* "|  |  ": of the branches that go on */
    unsigned level;                  /* 0: it is a root */
    bool last;                       /* of its branches */
};

/* ---- lines -------------------------------------------------------------------------------- */

static size_t columns_before(const struct tree_printer *tree, const struct place_in_tree *at)
{
    return (size_t)tree->digits + 5 + 3 * (size_t)at->level;
}

/* Columns for the text of a line. */
static size_t room(const struct tree_printer *tree, const struct place_in_tree *at)
{
    size_t before = columns_before(tree, at);
    return tree->width > before + TREE_WIDTH_MIN ? tree->width - before : TREE_WIDTH_MIN;
}

static const char *drawn(const struct tree_printer *tree, const char *line, const char *ascii)
{
    return tree->printer->style->ascii ? ascii : line;
}

static void put_branch(struct tree_printer *tree, const struct place_in_tree *at)
{
    fputs(at->before, tree->out);
    if (at->level)
        fputs(at->last ? drawn(tree, "└─ ", "`- ") : drawn(tree, "├─ ", "|- "), tree->out);
}

/* The lines of what is below it begin so. */
static const char *continued(const struct tree_printer *tree, const struct place_in_tree *at)
{
    return !at->level ? "" : at->last ? "   " : drawn(tree, "│  ", "|  ");
}

static struct place_in_tree below(const struct tree_printer *tree, const struct place_in_tree *at, bool last)
{
    struct place_in_tree next = {.level = at->level + 1, .last = last};
    strcpy(stpcpy(next.before, at->before), continued(tree, at));
    return next;
}

static enum mark mark_of(const struct tree_range *range, bool odd)
{
    if (range->place != NOT_NAMED)
        return MARK_FOUND;
    for (size_t i = 0; i < range->count; i++)
        if (range->entries[i].member.group && range->entries[i].member.group->counted)
            return odd ? MARK_ODD : MARK_LEAKED;
    return odd ? MARK_ODD : MARK_NONE;
}

/* "! 149  |- main > serve                     server.c:17" */
static void put_node(struct tree_printer *tree, const struct place_in_tree *at,
                     const struct tree_range *range, enum mark mark, const char *text, const char *place)
{
    size_t used = escaped_width(text), width = room(tree, at), needed = escaped_width(place);
    bool is_bold = mark == MARK_FOUND || mark == MARK_ODD;
    tree->used[mark] = true;
    if (is_bold)
        paint(tree->printer, BOLD);
    fprintf(tree->out, "%c %*zu  ", tree_marks[mark], tree->digits, range->count);
    put_branch(tree, at);
    fputs(text, tree->out);
    if (needed)
        fprintf(tree->out, "%*s%s",
                tree->width < TREE_NO_LIMIT && used + 2 + needed < width ? (int)(width - used - needed) : 2,
                "", place);
    if (is_bold)
        paint(tree->printer, PLAIN);
    putc('\n', tree->out);
}

static void put_detail(struct tree_printer *tree, const struct place_in_tree *at, const char *first,
                       const char *second)
{
    paint(tree->printer, DIM);
    fprintf(tree->out, "%*s%s%s", tree->digits + 4, "", at->before, continued(tree, at));
    fprintf(tree->out, "%s%s%s%s\n", at->level ? "" : "  ", first, *first && *second ? "; " : "", second);
    paint(tree->printer, PLAIN);
}

/* ---- where threads end -------------------------------------------------------------------- */

static struct tree_range group_at(const struct tree_range *range, size_t from)
{
    struct tree_range group = {&range->entries[from], 1, NOT_NAMED};
    while (from + group.count < range->count &&
           range->entries[from + group.count].member.group == range->entries[from].member.group)
        group.count++;
    return group;
}

static const char *file_of(const struct tree_range *range)
{
    const struct tree_entry *entry = &range->entries[0];
    return entry->depth ? entry->frames[entry->depth - 1]->file : NULL;
}

/* Cuts text at its end. It is escaped, so a cut in \xNN stays readable. */
static void cut_to(char *text, size_t width)
{
    static const char usual[] = ", no timeout";
    char *timeout = escaped_width(text) > width ? strstr(text, usual) : NULL;
    if (timeout)
        memmove(timeout, timeout + strlen(usual), strlen(timeout + strlen(usual)) + 1);
    size_t length = strlen(text);
    if (escaped_width(text) <= width || width < 4)
        return;
    while (length && escaped_width(text) > width - 3) {
        do
            length--;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80);
        text[length] = '\0';
    }
    strcpy(text + length, "...");
}

/* The wait and the threads in one line. If they do not fit, the threads with their site get up to 3/5 of it,
 * and the wait what they do not need. */
static void put_end(struct tree_printer *tree, const struct place_in_tree *at, const struct tree_range *range,
                    const char *wait, size_t width)
{
    size_t used = *wait ? escaped_width(wait) + 2 : 0;
    size_t most = width * 3 / 5, left = used + most < width ? width - used : most;
    char *threads = tree_threads(tree->printer, range, file_of(range), left), *short_wait = strdup(wait);
    if (threads && short_wait) {
        size_t taken = escaped_width(threads) + 2, least = width / 4;
        if (width < TREE_NO_LIMIT)
            cut_to(short_wait, width > taken + least ? width - taken : least);
        put_detail(tree, at, short_wait, threads);
    } else
        tree->failed = true;
    free(threads);
    free(short_wait);
}

/* Of threads that end here, a line for each group. */
static void put_ends(struct tree_printer *tree, const struct place_in_tree *at,
                     const struct tree_range *range, const char *wait)
{
    size_t width = room(tree, at) - (at->level ? 0 : 2), shown = 0, done = 0;
    bool all = is_verbose(tree->printer);
    while (done < range->count && (all || shown < GROUPS_SHOWN)) {
        struct tree_range group = group_at(range, done);
        if (!shown++ && group.count < range->count && *wait)
            put_detail(tree, at, wait, "");
        put_end(tree, at, &group, group.count < range->count ? "" : wait, width);
        done += group.count;
    }
    if (done < range->count) {
        char more[64];
        snprintf(more, sizeof(more), "and %zu more threads of other sites", range->count - done);
        put_detail(tree, at, more, "");
        note_shortened(tree->printer);
    }
}

/* ---- branches ----------------------------------------------------------------------------- */

struct branch {
    struct tree_range range;
    size_t depth; /* the functions before it are printed already */
    size_t of;    /* odd: of so many threads; 0: it is not odd */
};

static void put_tree(struct tree_printer *tree, const struct place_in_tree *at, const struct branch *branch);

static void put_rest(struct tree_printer *tree, const struct place_in_tree *at,
                     const struct tree_ranges *ranges, size_t from)
{
    char text[64];
    struct tree_range rest = {.place = NOT_NAMED};
    for (size_t i = from; i < ranges->count; i++)
        rest.count += ranges->items[i].count;
    snprintf(text, sizeof(text), "... at %zu other places", ranges->count - from);
    fprintf(tree->out, "  %*zu  ", tree->digits, rest.count);
    put_branch(tree, at);
    fprintf(tree->out, "%s\n", text);
    note_shortened(tree->printer);
}

static size_t branches_shown(const struct tree_printer *tree, const struct tree_ranges *ranges)
{
    bool all = tree->printer->style->all || ranges->count <= BRANCHES_MAX + 1;
    return all ? ranges->count : BRANCHES_MAX;
}

/* Odd ones after the others: a reader sees what is usual first. */
static void put_branches(struct tree_printer *tree, const struct place_in_tree *at, bool roots,
                         const struct tree_range *range, size_t depth)
{
    struct tree_ranges ranges;
    tree->failed |= !tree_split(&ranges, range, depth);
    size_t shown = tree->failed ? 0 : branches_shown(tree, &ranges);
    for (size_t i = 0; i < shown; i++) {
        struct place_in_tree next = {.before = ""};
        bool odd = !roots && tree_is_odd(&ranges, &ranges.items[i]);
        struct branch branch = {ranges.items[i], depth, odd ? range->count : 0};
        if (!roots)
            next = below(tree, at, i + 1 == ranges.count);
        put_tree(tree, &next, &branch);
    }
    if (shown < ranges.count && !tree->failed) {
        struct place_in_tree next = {.before = ""};
        if (!roots)
            next = below(tree, at, true);
        put_rest(tree, &next, &ranges, shown);
    }
    free(ranges.items);
}

/* `< T2 "pool-0", 1 of 150, is in execute: now running` */
static void note_odd(struct tree_printer *tree, const struct branch *branch, size_t end, const char *wait)
{
    char *thread = ++tree->odd_count <= TREE_ODD_SHOWN ? tree_first_thread(&branch->range) : NULL;
    size_t from = branch->depth < end ? branch->depth : end - (end > 0); /* the first function that differs */
    char *names = thread && end ? tree_functions(&branch->range, from, end, TREE_NAME) : NULL;
    if (thread)
        fprintf(tree->odd, "%c %s, %zu of %zu%s%s%s%s\n", tree_marks[MARK_ODD], thread, branch->range.count,
                branch->of, names ? ", in " : "", names ? names : "", *wait ? ": " : "", wait);
    free(names);
    free(thread);
}

/* The functions; without any, what the threads wait for, or else the function in which they are. */
static char *head_text(const struct tree_printer *tree, const struct branch *branch, size_t end,
                       const char *wait, size_t limit)
{
    if (!end && tree->printer->style->by_creation)
        return strdup("creation not seen");
    if (branch->depth < end)
        return tree_functions(&branch->range, branch->depth, end, limit);
    if (*wait || !end)
        return strdup(*wait ? wait : "no stack");
    return tree_functions(&branch->range, end - 1, end, limit);
}

/* "serve > handle: mutex lock; T5": the wait gets the columns that the names do not need. */
static char *compact_text(const struct tree_printer *tree, const struct branch *branch, size_t end,
                          const char *wait, size_t limit)
{
    char *names = head_text(tree, branch, end, wait, limit), *text = NULL;
    char *thread = tree_threads(tree->printer, &branch->range, NULL, 0);
    size_t used = names ? escaped_width(names) + WAIT_LEAST : 0;
    bool has_wait = *wait && branch->depth < end && used <= limit;
    bool is_one = branch->range.count == 1 && thread && used <= limit;
    if (names && asprintf(&text, "%s%s%s%s%s", names, has_wait ? ": " : "", has_wait ? wait : "",
                          is_one ? "; " : "", is_one ? thread : "") < 0)
        text = NULL;
    free(thread);
    free(names);
    return text;
}

/* The line of functions that all threads of the branch have; of none: what they wait for. compact: no other
 * line follows. */
static void put_head(struct tree_printer *tree, const struct place_in_tree *at, const struct branch *branch,
                     size_t end, const char *wait, bool compact)
{
    const struct tree_range *range = &branch->range;
    size_t width = room(tree, at);
    char *place = tree_place(tree->printer, range, end, width / 2);
    if (place && tree->width < TREE_NO_LIMIT)
        cut_to(place, width / 2);
    size_t left = width - (place && *place ? escaped_width(place) + 2 : 0);
    size_t limit = tree->width < TREE_NO_LIMIT ? left : TREE_NO_LIMIT;
    char *names =
        compact ? compact_text(tree, branch, end, wait, limit) : head_text(tree, branch, end, wait, limit);
    if (place && names) {
        cut_to(names, limit);
        put_node(tree, at, range, mark_of(range, branch->of != 0), names, place);
    } else
        tree->failed = true;
    if (branch->of && names)
        note_odd(tree, branch, end, wait);
    free(names);
    free(place);
}

static bool is_one_end(const struct tree_range *range, size_t depth)
{
    struct tree_ranges ranges;
    bool one = tree_ends(range, depth) && tree_split(&ranges, range, depth);
    if (!one)
        return false;
    one = ranges.count == 1;
    free(ranges.items);
    return one;
}

static void put_tree(struct tree_printer *tree, const struct place_in_tree *at, const struct branch *branch)
{
    size_t end = tree_common_depth(&branch->range, branch->depth);
    bool ends = is_one_end(&branch->range, end), has_names = end > branch->depth;
    char *wait = ends ? tree_wait(tree->printer, &branch->range) : strdup("");
    if (!wait) {
        tree->failed = true;
        return;
    }
    enum mark mark = mark_of(&branch->range, branch->of != 0);
    bool compact = tree->compact && ends && (mark == MARK_NONE || mark == MARK_LEAKED);
    put_head(tree, at, branch, end, wait, compact);
    if (compact)
        note_shortened(tree->printer);
    else if (ends)
        put_ends(tree, at, &branch->range, has_names ? wait : "");
    else if (at->level < LEVELS_MAX)
        put_branches(tree, at, false, &branch->range, end);
    else
        note_shortened(tree->printer);
    free(wait);
}

void tree_put_part(struct tree_printer *tree, const struct stack_tree *stacks, bool by_creation)
{
    struct tree_range part = tree_part(stacks, by_creation);
    if (!part.count)
        return;
    if (by_creation && !tree->printer->style->by_creation)
        fprintf(tree->out, "%s  %*zu  without a current stack, by the place of their creation:\n",
                part.count < stacks->count ? "\n" : "", tree->digits, part.count);
    put_branches(tree, &(struct place_in_tree){.before = ""}, true, &part, 0);
}
