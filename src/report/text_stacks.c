#include "report/text_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/phrases.h"

#define MIN_IDLE_S 1    /* shorter waits are not printed */
#define THREADS_SHOWN 8 /* names in a list */
#define FRAMES_SHOWN 24 /* of a deep stack: the innermost frames, and … */
#define OUTER_SHOWN 8   /* … the outermost ones */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Waits on different objects of one kind are equal when no object has a name. */
static int compare_current(const struct thread_stack *a, const struct thread_stack *b)
{
    static const struct thread_stack none;
    a = a ? a : &none;
    b = b ? b : &none;
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    if (a->wait.on != b->wait.on)
        return a->wait.on < b->wait.on ? -1 : 1;
    if (a->wait.timeout != b->wait.timeout)
        return a->wait.timeout < b->wait.timeout ? -1 : 1;
    if (a->wait.owner != b->wait.owner)
        return a->wait.owner < b->wait.owner ? -1 : 1;
    int order = compare_text(a->wait.symbol, b->wait.symbol);
    return order ? order : compare_text(a->why_none, b->why_none);
}

struct block {
    const struct thread_info **threads; /* by id, tid */
    size_t count;
};

static int compare_states(const struct thread_info *a, const struct thread_info *b)
{
    int order = compare_text(a->fault, b->fault);
    return order ? order : compare_current(a->current, b->current);
}

static int compare_threads(const void *left, const void *right)
{
    const struct thread_info *const *a = left, *const *b = right;
    int order = compare_states(*a, *b);
    return order ? order : (*a > *b) - (*a < *b);
}

static int compare_blocks(const void *left, const void *right)
{
    const struct block *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->threads[0] > b->threads[0]) - (a->threads[0] < b->threads[0]);
}

struct blocks {
    const struct thread_info **threads;
    struct block *items;
    size_t count;
};

static bool make_blocks(struct blocks *blocks, const struct thread_info *threads, size_t count)
{
    blocks->count = 0;
    blocks->threads = calloc(count + 1, sizeof(*blocks->threads));
    blocks->items = calloc(count + 1, sizeof(*blocks->items));
    if (!blocks->threads || !blocks->items)
        return false;
    for (size_t i = 0; i < count; i++)
        blocks->threads[i] = &threads[i];
    qsort(blocks->threads, count, sizeof(*blocks->threads), compare_threads);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_states(blocks->threads[i - 1], blocks->threads[i]) != 0)
            blocks->items[blocks->count++].threads = &blocks->threads[i];
        blocks->items[blocks->count - 1].count++;
    }
    qsort(blocks->items, blocks->count, sizeof(*blocks->items), compare_blocks);
    return true;
}

static void free_blocks(struct blocks *blocks)
{
    free(blocks->threads);
    free(blocks->items);
}

void print_names(const struct printer *printer, const struct thread_info *threads, size_t count, bool all)
{
    struct blocks blocks;
    if (make_blocks(&blocks, threads, count) && blocks.count <= 1)
        put_threads(printer->out, blocks.threads, count, all ? count : THREADS_SHOWN);
    free_blocks(&blocks);
}

static bool have_different_waits(const struct block *block)
{
    for (size_t i = 1; i < block->count; i++)
        if (compare_text(block->threads[i]->current->wait.what, block->threads[0]->current->wait.what) != 0)
            return true;
    return false;
}

/* How long ago the threads ran. */
static void print_idle(const struct printer *printer, const struct block *block)
{
    double low = block->threads[0]->current->idle_s, high = low;
    char range[96];
    for (size_t i = 1; i < block->count; i++) {
        double idle = block->threads[i]->current->idle_s;
        low = idle < low ? idle : low;
        high = idle > high ? idle : high;
    }
    if (low < MIN_IDLE_S)
        return;
    format_range(range, sizeof(range), low, high);
    fprintf(printer->out, ", for %s", range);
}

static void print_wait(const struct printer *printer, const struct block *block)
{
    const struct wait *wait = &block->threads[0]->current->wait;
    if (block->threads[0]->fault) {
        fprintf(printer->out, "  took %s after the end began,", block->threads[0]->fault);
        return;
    }
    if (wait->on == WAIT_NONE || !wait->text) {
        fputs(wait->running ? "  now running," : "  now", printer->out);
        return;
    }
    fputs("  now in ", printer->out);
    paint(printer, BOLD);
    put_escaped(printer->out, wait->text);
    paint(printer, PLAIN);
    print_idle(printer, block);
    putc(',', printer->out);
}

/* Omits the middle of a deep stack. */
static void put_some_frames(const struct printer *printer, const struct frames *frames)
{
    struct frames part = *frames;
    part.count = FRAMES_SHOWN - OUTER_SHOWN;
    put_frames(printer, &part);
    fprintf(printer->out, "    ... %zu more frames\n", frames->count - FRAMES_SHOWN);
    part.items = frames->items + frames->count - OUTER_SHOWN;
    part.count = OUTER_SHOWN;
    put_frames(printer, &part);
}

static void print_frames(const struct printer *printer, const struct shared_stack *stack)
{
    struct frames frames =
        shown_frames(printer, (struct frames){stack->frames, stack->count,
                                              innermost_user_frame(stack->frames, stack->count)});
    if (is_verbose(printer) || frames.count <= FRAMES_SHOWN)
        put_frames(printer, &frames);
    else
        put_some_frames(printer, &frames);
    if (stack->incomplete) {
        fputs("    (stack incomplete: ", printer->out);
        put_escaped(printer->out, stack->incomplete);
        fputs(")\n", printer->out);
    }
}

static const char *object_of(enum wait_on on)
{
    static const char *const objects[WAIT_KINDS] = {[WAIT_JOIN] = "thread",
                                                    [WAIT_POLL] = "set of descriptors",
                                                    [WAIT_SIGNAL] = "set of signals",
                                                    [WAIT_SLEEP] = "timer",
                                                    [WAIT_OTHER] = "object"};
    return objects[on] ? objects[on] : wait_on_name(on);
}

/* "  the other 39 wait the same way, each on its own pipe" */
static void print_others(const struct printer *printer, const struct block *block)
{
    enum wait_on on = block->threads[0]->current->wait.on;
    if (on == WAIT_NONE || block->count < 2 || !have_different_waits(block))
        return;
    if (block->count == 2)
        fputs("  the other waits the same way, on its own ", printer->out);
    else
        fprintf(printer->out, "  the other %zu wait the same way, each on its own ", block->count - 1);
    fprintf(printer->out, "%s\n", object_of(on));
}

/* Without its stack. */
static void print_fault(const struct printer *printer, const struct thread_info *thread)
{
    if (!thread->fault)
        return;
    fprintf(printer->out, "  took %s after the end began%s\n", thread->fault, thread->fault_at ? ", at" : "");
    if (thread->fault_at)
        put_frames(printer, &(struct frames){thread->fault_at, 1, NULL});
}

static void print_block(const struct printer *printer, const struct block *block, bool alone)
{
    const struct thread_stack *current = block->threads[0]->current;
    if (!current && !block->threads[0]->fault)
        return;
    if (!alone)
        put_threads(printer->out, block->threads, block->count,
                    is_verbose(printer) ? block->count : THREADS_SHOWN);
    if (!current || !current->stack) {
        print_fault(printer, block->threads[0]);
        if (current && current->why_none)
            fprintf(printer->out, "  stack not taken: %s thread %s\n", block->count > 1 ? "each" : "the",
                    current->why_none);
        return;
    }
    print_wait(printer, block);
    fputs(" at\n", printer->out);
    print_frames(printer, current->stack);
    print_others(printer, block);
}

static void print_blocks(const struct printer *printer, const struct blocks *blocks)
{
    bool all = printer->style->all || blocks->count <= BLOCKS_SHOWN;
    size_t shown = all ? blocks->count : BLOCKS_SHOWN, more = 0;
    for (size_t i = 0; i < shown; i++)
        print_block(printer, &blocks->items[i], blocks->count == 1);
    for (size_t i = shown; i < blocks->count; i++)
        more += blocks->items[i].count;
    if (more)
        fprintf(printer->out, "  and %zu more threads at %zu other places\n", more, blocks->count - shown);
}

void print_stacks(const struct printer *printer, const struct thread_info *threads, size_t count)
{
    struct blocks blocks;
    if (make_blocks(&blocks, threads, count))
        print_blocks(printer, &blocks);
    free_blocks(&blocks);
}
