#include "report/text/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "report/common/members.h"
#include "report/common/phrases.h"

#define MIN_IDLE_S 1    /* shorter waits are not printed */
#define THREADS_SHOWN 8 /* names in a list */
#define FRAMES_SHOWN 24 /* lines of a deep stack */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Compares what a report shows of them: functions and lines, and offsets of user frames without a name. */
static int compare_frames(const struct frame *a, const struct frame *b)
{
    int order = compare_text(a->function, b->function);
    order = order ? order : compare_text(a->module, b->module);
    order = order ? order : compare_text(a->file, b->file);
    if (order || a->line != b->line)
        return order ? order : a->line - b->line;
    if (a->function || a->runtime)
        return 0;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static int compare_shared(const struct shared_stack *a, const struct shared_stack *b)
{
    if (a == b)
        return 0;
    if (!a || !b || a->count != b->count)
        return !a ? -1 : !b ? 1 : a->count < b->count ? -1 : 1;
    for (size_t i = 0; i < a->count; i++) {
        int order = compare_frames(&a->frames[i], &b->frames[i]);
        if (order)
            return order;
    }
    return compare_text(a->incomplete, b->incomplete);
}

static int compare_current(const struct thread_info *first, const struct thread_info *second)
{
    const struct thread_stack *a = first->current, *b = second->current;
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    int order = compare_shared(a->stack, b->stack);
    if (order)
        return order;
    return compare_waits(first, second);
}

struct block {
    const struct thread_info **threads; /* by id, tid */
    size_t count;
    size_t place; /* of the first of them that a finding names */
};

static int compare_states(const struct thread_info *a, const struct thread_info *b)
{
    int order = compare_text(a->fault, b->fault);
    return order ? order : compare_current(a, b);
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
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->threads[0] > b->threads[0]) - (a->threads[0] < b->threads[0]);
}

struct blocks {
    const struct thread_info **threads;
    struct block *items;
    size_t count;
};

static void add_to_block(struct block *block, size_t place)
{
    block->place = !block->count || place < block->place ? place : block->place;
    block->count++;
}

static bool make_blocks(struct blocks *blocks, const struct named_threads *named,
                        const struct thread_info *threads, size_t count)
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
        add_to_block(&blocks->items[blocks->count - 1], named_place(named, blocks->threads[i]));
    }
    qsort(blocks->items, blocks->count, sizeof(*blocks->items), compare_blocks);
    return true;
}

static void free_blocks(struct blocks *blocks)
{
    free(blocks->threads);
    free(blocks->items);
}

/* Lines of T3 "worker" tid 4245, T4 …: at most `max` threads, then how many more there are. */
static void put_some_threads(const struct printer *printer, const struct thread_info *const *threads,
                             size_t count, size_t max)
{
    put_threads(printer->out, threads, count, &(struct thread_lines){max, printer->style->width});
    if (count > max)
        note_shortened(printer);
}

void print_names(const struct printer *printer, const struct thread_info *threads, size_t count, bool all)
{
    struct blocks blocks;
    if (make_blocks(&blocks, printer->named, threads, count) && blocks.count <= 1)
        put_some_threads(printer, blocks.threads, count, all ? count : THREADS_SHOWN);
    free_blocks(&blocks);
}

/* Without memory: one, of which nothing is printed. */
static enum objects awaited(const struct block *block)
{
    const char **whats = calloc(block->count, sizeof(*whats));
    if (!whats)
        return OBJECTS_ONE;
    for (size_t i = 0; i < block->count; i++)
        whats[i] = block->threads[i]->current->wait.what;
    enum objects objects = compare_awaited(whats, block->count);
    free(whats);
    return objects;
}

/* How long ago the threads ran. A stop by an earlier report was a run, too, so a wait can be longer. */
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
    fprintf(printer->out, ", for at least %s", range);
}

enum { WIDE_WAIT = 60, AROUND_WAIT = 13 };

/* "condvar wait on jobs_ready, no timeout (mutex jobs_lock)", between "  now in " and ", at" */
static void put_wait_text(const struct printer *printer, const char *text)
{
    const char *mutex = strstr(text, " (mutex ");
    size_t width = printer->style->width ? printer->style->width : WIDE_WAIT + AROUND_WAIT;
    if (!mutex || strlen(text) + AROUND_WAIT <= width) {
        put_escaped(printer->out, text);
        return;
    }
    char *before = strndup(text, (size_t)(mutex - text));
    put_escaped(printer->out, before ? before : "");
    fputs("\n     ", printer->out);
    put_escaped(printer->out, mutex);
    free(before);
}

/* In a line of its own: what the thread waits for is long already. */
static void print_notified(const struct printer *printer, const struct notified *notified)
{
    struct line line = {.length = 0};
    line_add_notified(&line, notified);
    if (!line.length)
        return;
    fputs(",\n     ", printer->out);
    put_escaped(printer->out, line.text + 1);
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
    put_wait_text(printer, wait->text);
    paint(printer, PLAIN);
    print_idle(printer, block);
    print_notified(printer, &block->threads[0]->current->notified);
    putc(',', printer->out);
}

static void print_frames(const struct printer *printer, const struct shared_stack *stack)
{
    struct frames frames =
        shown_frames(printer, (struct frames){stack->frames, stack->count,
                                              innermost_user_frame(stack->frames, stack->count)});
    put_frames(printer, &frames, FRAMES_SHOWN);
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

/* "  the other 39 wait the same way, each on its own pipe", "…, not all on the same pipe" */
static void print_others(const struct printer *printer, const struct block *block)
{
    enum wait_on on = block->threads[0]->current->wait.on;
    enum objects objects = on == WAIT_NONE ? OBJECTS_ONE : awaited(block);
    if (objects == OBJECTS_ONE)
        return;
    if (block->count == 2)
        fputs("  the other waits the same way, on its own ", printer->out);
    else
        fprintf(printer->out, "  the other %zu wait the same way, %s ", block->count - 1,
                objects == OBJECTS_OWN ? "each on its own" : "not all on the same");
    fprintf(printer->out, "%s\n", object_of(on));
}

/* Without its stack. */
static void print_fault(const struct printer *printer, const struct thread_info *thread)
{
    if (!thread->fault)
        return;
    fprintf(printer->out, "  took %s after the end began%s\n", thread->fault, thread->fault_at ? ", at" : "");
    if (thread->fault_at)
        put_frames(printer, &(struct frames){thread->fault_at, 1, NULL}, 0);
}

static void print_block(const struct printer *printer, const struct block *block, bool alone)
{
    const struct thread_stack *current = block->threads[0]->current;
    if (!alone)
        put_some_threads(printer, block->threads, block->count,
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
        note_shortened(printer);
    if (more)
        fprintf(printer->out, "  and %zu more threads at %zu other places\n", more, blocks->count - shown);
}

void print_stacks(const struct printer *printer, const struct thread_info *threads, size_t count)
{
    struct blocks blocks;
    if (make_blocks(&blocks, printer->named, threads, count))
        print_blocks(printer, &blocks);
    free_blocks(&blocks);
}
