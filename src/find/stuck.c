/* Threads that wait for something that nothing refers to any more (reach/reach.h). */
#include <stdlib.h>
#include <string.h>

#include "find/context.h"

enum { MAX_NAMED = 3, FACTS_SHOWN = 3, MAX_FACTS = 1000 };

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

/* Threads with equal stacks, or that wait for the same object, make one finding. */
static bool is_like(const struct thread_stack *a, const struct thread_stack *b)
{
    bool same_stack = a->stack == b->stack && a->stack;
    bool same_object = a->wait.address == b->wait.address && a->wait.address;
    return (same_stack || same_object) && a->reach.caveats == b->reach.caveats && a->wait.on == b->wait.on;
}

static size_t first_like(const struct wait_graph *graph, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (graph->nodes[i].like == i && is_like(graph->nodes[i].thread, graph->nodes[index].thread))
            return i;
    return index;
}

static void set_likes(struct wait_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        graph->nodes[i].like = is_cause(&graph->nodes[i]) ? first_like(graph, i) : NO_NODE;
}

/* Is nodes[index] in the finding of nodes[first]? */
static bool is_member(const struct wait_graph *graph, size_t first, size_t index)
{
    return graph->nodes[index].like == first;
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Threads of a finding: all; those that wait for the same object as the first one; those that do so at the
 * same place. */
enum crowd_of { OF_FINDING, OF_OBJECT, OF_PLACE };
struct crowd {
    const struct find_context *context;
    size_t first;
    enum crowd_of of;
};

static bool is_beside(const struct thread_stack *a, const struct thread_stack *b, enum crowd_of of)
{
    return (of < OF_OBJECT || a->wait.address == b->wait.address) && (of < OF_PLACE || a->stack == b->stack);
}

static bool is_in(const struct crowd *crowd, size_t index)
{
    const struct wait_graph *graph = &crowd->context->graph;
    return is_member(graph, graph->nodes[crowd->first].like, index) &&
           is_beside(graph->nodes[crowd->first].thread, graph->nodes[index].thread, crowd->of);
}

static size_t count_threads(const struct crowd *crowd)
{
    size_t count = 0;
    for (size_t i = crowd->first; i < crowd->context->graph.count; i++)
        count += is_in(crowd, i);
    return count;
}

/* "T2", "T2 and T3", "T2, T3, T4 and T5", "T2, T3, T4 and 5 others" */
static void add_names(struct line *text, const struct crowd *crowd, size_t count)
{
    const struct wait_graph *graph = &crowd->context->graph;
    size_t named = 0, most = count == MAX_NAMED + 1 ? count : MAX_NAMED;
    for (size_t i = crowd->first; i < graph->count && named < most; i++) {
        if (!is_in(crowd, i))
            continue;
        named++;
        if (named > 1)
            line_add(text, named == count ? " and " : ", ");
        add_thread_name(text, crowd->context, graph->nodes[i].thread);
    }
    if (count > named)
        line_add(text, " and %zu others", count - named);
}

static bool wait_is_same(const struct find_context *context, size_t first)
{
    return count_threads(&(struct crowd){context, first, OF_FINDING}) ==
           count_threads(&(struct crowd){context, first, OF_OBJECT});
}

/* What the kernel keeps for the process may refer to it, if that cannot be seen. */
static enum finding_level level_of(uint32_t caveats)
{
    if (reach_caveats_are_unseen(caveats))
        return FINDING_NOTE;
    return caveats ? FINDING_LIKELY : FINDING_PROVED;
}

static void add_conclusion(struct line *text, bool same, uint32_t caveats)
{
    const char *object = same ? "it" : "these";
    if (level_of(caveats) == FINDING_NOTE)
        line_add(text, "no reference to %s was found", object);
    else
        line_add(text, "nothing that can still run refers to %s", object);
}

static void add_text(struct line *text, const struct find_context *context, size_t first)
{
    const struct wait *wait = &context->graph.nodes[first].thread->wait;
    const struct crowd all = {context, first, OF_FINDING};
    size_t count = count_threads(&all);
    bool same = wait_is_same(context, first);
    add_names(text, &all, count);
    line_add(text, " wait%s for ", count == 1 ? "s" : "");
    if (same)
        add_waited_object(text, wait);
    else
        line_add(text, "a %s each", wait_on_name(wait->on));
    line_add(text, ", and ");
    add_conclusion(text, same, context->graph.nodes[first].thread->reach.caveats);
}

static void add_caveats(struct line *line, uint32_t caveats, bool unseen)
{
    for (int i = 0; i < REACH_CAVEATS; i++)
        if (caveats >> i & 1 && reach_caveats_are_unseen(UINT32_C(1) << i) == unseen)
            line_add(line, "; only %s: %s", unseen ? "a note" : "likely",
                     reach_caveat_text((enum reach_caveat)i));
}

static char *assumptions(uint32_t caveats)
{
    struct line line = {.length = 0};
    const char *const *assumed = reach_assumptions();
    for (size_t i = 0; assumed[i]; i++)
        line_add(&line, "%s%s", i ? "; " : "", assumed[i]);
    add_caveats(&line, caveats, false);
    add_caveats(&line, caveats, true);
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
    return is_member(graph, first, index);
}

/* The function that was given to it to run, if the place where it waits is in another one. */
static void add_start(struct line *text, const struct thread_stack *thread, size_t count)
{
    const struct shared_stack *stack = thread->stack;
    if (!stack || !stack->count)
        return;
    const struct frame *start = outermost_user_frame(stack->frames, stack->count);
    if (start && start->function && start != current_place(thread))
        line_add(text, ", which run%s %s,", count == 1 ? "s" : "", start->function);
}

/* Those that wait for the same object at the same place. */
static bool add_fact(struct finding *finding, const struct crowd *crowd)
{
    const struct thread_stack *thread = crowd->context->graph.nodes[crowd->first].thread;
    size_t count = count_threads(crowd);
    struct line text = {.length = 0};
    add_names(&text, crowd, count);
    add_start(&text, thread, count);
    line_add(&text, " wait%s for ", count == 1 ? "s" : "");
    add_waited_object(&text, &thread->wait);
    if (!finding_add_fact(finding, &text, current_place(thread)))
        return false;
    if (finding->fact_count > FACTS_SHOWN)
        finding_fact_is_more(finding);
    return true;
}

static bool is_first_of_place(const struct wait_graph *graph, size_t first, size_t index)
{
    for (size_t i = first; i < index; i++)
        if (is_member(graph, first, i) &&
            is_beside(graph->nodes[i].thread, graph->nodes[index].thread, OF_PLACE))
            return false;
    return true;
}

static bool add_cause(struct finding *finding, const struct find_context *context, size_t first, size_t index)
{
    const struct crowd crowd = {context, index, OF_PLACE};
    if (!finding_add_thread(finding, context, context->graph.nodes[index].thread))
        return false;
    return finding->fact_count >= MAX_FACTS || !is_first_of_place(&context->graph, first, index) ||
           add_fact(finding, &crowd);
}

static bool add_threads(struct finding *finding, const struct find_context *context, size_t first)
{
    const struct wait_graph *graph = &context->graph;
    for (size_t i = first; i < graph->count; i++)
        if (is_member(graph, first, i) && !add_cause(finding, context, first, i))
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
    struct finding *finding = finding_add(context, FINDING_STUCK, level_of(caveats), &text);
    if (!finding || !add_threads(finding, context, first))
        return false;
    add_conclusion(&conclusion, wait_is_same(context, first), caveats);
    finding->assumed = assumptions(caveats);
    return finding->assumed && finding_add_fact(finding, &conclusion, NULL);
}

bool find_stuck(struct find_context *context)
{
    set_likes(&context->graph);
    for (size_t i = 0; i < context->graph.count; i++)
        if (context->graph.nodes[i].like == i && !add(context, i))
            return false;
    return true;
}
