/* Threads that wait for something that nothing refers to any more (reach/reach.h). */
#include <stdlib.h>
#include <string.h>

#include "find/context.h"

enum { MAX_NAMED = 3, MAX_FACTS = 3 };

static bool is_stuck(const struct thread_stack *thread)
{
    return thread->reach.state == REACH_STUCK;
}

/* Does its wait end with another thread, and not with an object? Then it is not the cause. */
static bool waits_for_thread(const struct wait_node *node)
{
    enum wait_on on = node->thread->wait.on;
    return (on == WAIT_MUTEX || on == WAIT_RWLOCK || on == WAIT_JOIN) &&
           (node->next != NO_NODE || node->thread->wait.owner_ended);
}

static bool is_cause(const struct wait_node *node)
{
    return is_stuck(node->thread) && !waits_for_thread(node);
}

/* Threads with equal stacks and caveats make one finding. */
static bool is_like(const struct thread_stack *a, const struct thread_stack *b)
{
    return a->stack == b->stack && a->stack && a->reach.caveats == b->reach.caveats &&
           a->wait.on == b->wait.on;
}

static bool is_first(const struct wait_graph *graph, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (is_cause(&graph->nodes[i]) && is_like(graph->nodes[i].thread, graph->nodes[index].thread))
            return false;
    return true;
}

/* ---- text ----------------------------------------------------------------------------------- */

static size_t count_like(const struct wait_graph *graph, size_t first)
{
    size_t count = 0;
    for (size_t i = first; i < graph->count; i++)
        count += is_cause(&graph->nodes[i]) && is_like(graph->nodes[first].thread, graph->nodes[i].thread);
    return count;
}

/* "T2", "T2 and T3", "T2, T3, T4 and 5 others" */
static void add_names(struct line *text, const struct find_context *context, size_t first, size_t count)
{
    const struct wait_graph *graph = &context->graph;
    size_t named = 0;
    for (size_t i = first; i < graph->count && named < MAX_NAMED; i++) {
        if (!is_cause(&graph->nodes[i]) || !is_like(graph->nodes[first].thread, graph->nodes[i].thread))
            continue;
        named++;
        if (named > 1)
            line_add(text, named == count ? " and " : ", ");
        add_thread_name(text, context, graph->nodes[i].thread);
    }
    if (count > named)
        line_add(text, " and %zu other%s", count - named, count - named == 1 ? "" : "s");
}

/* "condvar 0x55d8… on the heap", from "condvar wait on 0x55d8… on the heap, no timeout" */
static void add_object(struct line *text, const struct wait *wait)
{
    static const char verb[] = " wait on ";
    const char *what = wait->what ? wait->what : wait_on_name(wait->on);
    const char *end = strchrnul(what, ','), *found = strstr(what, verb);
    if (found && found < end) {
        line_add(text, "%.*s ", (int)(found - what), what);
        what = found + strlen(verb);
    }
    line_add(text, "%.*s", (int)(end - what), what);
}

static bool wait_is_same(const struct wait_graph *graph, size_t first)
{
    for (size_t i = first; i < graph->count; i++)
        if (is_cause(&graph->nodes[i]) && is_like(graph->nodes[first].thread, graph->nodes[i].thread) &&
            graph->nodes[i].thread->wait.address != graph->nodes[first].thread->wait.address)
            return false;
    return true;
}

static void add_text(struct line *text, const struct find_context *context, size_t first)
{
    const struct wait *wait = &context->graph.nodes[first].thread->wait;
    size_t count = count_like(&context->graph, first);
    bool same = wait_is_same(&context->graph, first);
    add_names(text, context, first, count);
    line_add(text, " wait%s for ", count == 1 ? "s" : "");
    if (same)
        add_object(text, wait);
    else
        line_add(text, "a %s each", wait_on_name(wait->on));
    line_add(text, ", and nothing that can still run refers to %s", same ? "it" : "these");
}

static char *assumptions(uint32_t caveats)
{
    struct line line = {.length = 0};
    const char *const *assumed = reach_assumptions();
    for (size_t i = 0; assumed[i]; i++)
        line_add(&line, "%s%s", i ? "; " : "", assumed[i]);
    for (int i = 0; i < REACH_CAVEATS; i++)
        if (caveats >> i & 1)
            line_add(&line, "; only likely: %s", reach_caveat_text((enum reach_caveat)i));
    return line_copy(&line);
}

/* ---- threads -------------------------------------------------------------------------------- */

/* Does it wait, over others, for one of these threads? */
static bool waits_for(const struct wait_graph *graph, size_t index, size_t first)
{
    for (size_t steps = 0; steps < graph->count && waits_for_thread(&graph->nodes[index]); steps++) {
        index = graph->nodes[index].next;
        if (index == NO_NODE)
            return false;
    }
    return is_cause(&graph->nodes[index]) && is_like(graph->nodes[first].thread, graph->nodes[index].thread);
}

/* The function that was given to it to run, if the place where it waits is in another one. */
static void add_start(struct line *text, const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    if (!stack || !stack->count)
        return;
    const struct frame *start = outermost_user_frame(stack->frames, stack->count);
    if (start && start->function && start != current_place(thread))
        line_add(text, ", in %s", start->function);
}

static bool add_cause(struct finding *finding, const struct find_context *context, size_t index,
                      size_t *facts)
{
    const struct thread_stack *thread = context->graph.nodes[index].thread;
    struct line text = {.length = 0};
    if (!finding_add_thread(finding, context, thread))
        return false;
    if ((*facts)++ >= MAX_FACTS)
        return true;
    add_thread_name(&text, context, thread);
    line_add(&text, " waits for ");
    add_object(&text, &thread->wait);
    add_start(&text, thread);
    return finding_add_fact(finding, &text, current_place(thread));
}

static bool add_threads(struct finding *finding, const struct find_context *context, size_t first)
{
    const struct wait_graph *graph = &context->graph;
    size_t facts = 0;
    for (size_t i = first; i < graph->count; i++)
        if (is_cause(&graph->nodes[i]) && is_like(graph->nodes[first].thread, graph->nodes[i].thread) &&
            !add_cause(finding, context, i, &facts))
            return false;
    for (size_t i = 0; i < graph->count; i++)
        if (is_stuck(graph->nodes[i].thread) && waits_for_thread(&graph->nodes[i]) &&
            waits_for(graph, i, first) && !finding_add_thread(finding, context, graph->nodes[i].thread))
            return false;
    return true;
}

static bool add(struct find_context *context, size_t first)
{
    uint32_t caveats = context->graph.nodes[first].thread->reach.caveats;
    struct line text = {.length = 0}, conclusion = {.length = 0};
    add_text(&text, context, first);
    struct finding *finding =
        finding_add(context, FINDING_STUCK, caveats ? FINDING_LIKELY : FINDING_PROVED, &text);
    if (!finding || !add_threads(finding, context, first))
        return false;
    line_add(&conclusion, "nothing that can still run refers to %s",
             wait_is_same(&context->graph, first) ? "it" : "these");
    finding->assumed = assumptions(caveats);
    return finding->assumed && finding_add_fact(finding, &conclusion, NULL);
}

bool find_stuck(struct find_context *context)
{
    for (size_t i = 0; i < context->graph.count; i++)
        if (is_cause(&context->graph.nodes[i]) && is_first(&context->graph, i) && !add(context, i))
            return false;
    return true;
}
