/* Threads that wait for each other in a circle, and those that wait for one of them. */
#include <stdlib.h>

#include "find/context.h"

#define MAX_CHAIN 6    /* members in the text */
#define MAX_MEMBERS 24 /* with a fact of their own */
#define MAX_VICTIMS 12 /* with a fact of their own */

struct cycle {
    size_t number;
    size_t first; /* node: the main thread if it is in the cycle, else the one with the lowest tid */
    size_t members, victims;
    bool certain;
};

static struct cycle measure(const struct find_context *context, size_t number)
{
    const struct wait_graph *graph = &context->graph;
    struct cycle cycle = {.number = number, .first = NO_NODE, .certain = true};
    for (size_t i = 0; i < graph->count; i++) {
        const struct wait_node *node = &graph->nodes[i];
        cycle.victims += node->toward == number && node->away > 0;
        if (node->cycle != number)
            continue;
        cycle.members++;
        cycle.certain &= node->certain;
        if (cycle.first == NO_NODE || node->thread->tid == context->evidence->pid)
            cycle.first = i;
    }
    return cycle;
}

static struct line name_of(const struct find_context *context, size_t node)
{
    struct line name = {.length = 0};
    add_thread_name(&name, context, context->graph.nodes[node].thread);
    return name;
}

/* "T1 joins T2, which waits for mutex jobs_lock, held by T1" */
static void add_chain(struct line *line, const struct find_context *context, const struct cycle *cycle)
{
    const struct wait_graph *graph = &context->graph;
    size_t at = cycle->first, more = cycle->members > MAX_CHAIN ? cycle->members - MAX_CHAIN : 0;
    add_thread_name(line, context, graph->nodes[at].thread);
    for (size_t i = 0; i < cycle->members - more; i++, at = graph->nodes[at].next) {
        struct line next = name_of(context, graph->nodes[at].next);
        line_add(line, i ? ", which " : " ");
        add_wait_edge(line, &graph->nodes[at].thread->wait,
                      graph->nodes[at].next == at && cycle->members == 1 ? "itself" : next.text);
    }
    if (more)
        line_add(line, ", and so on through %zu more, back to the first", more);
}

static bool add_link(struct finding *finding, const struct find_context *context, size_t at)
{
    const struct wait_node *node = &context->graph.nodes[at];
    struct line text = {.length = 0}, next = name_of(context, node->next);
    add_thread_name(&text, context, node->thread);
    line_add(&text, " ");
    add_wait_edge(&text, &node->thread->wait, node->next == at ? "itself" : next.text);
    if (node->away > 1)
        line_add(&text, ", %zu waits away", node->away);
    return finding_add_fact(finding, &text, current_place(node->thread));
}

static bool add_members(struct finding *finding, const struct find_context *context,
                        const struct cycle *cycle)
{
    size_t at = cycle->first;
    for (size_t i = 0; i < cycle->members; i++, at = context->graph.nodes[at].next)
        if (!finding_add_thread(finding, context, context->graph.nodes[at].thread) ||
            (i < MAX_MEMBERS && !add_link(finding, context, at)))
            return false;
    return true;
}

struct victims {
    const struct wait_graph *graph;
    size_t *nodes;
    size_t count;
};

static int compare_victims(const void *left, const void *right, void *graph_of_both)
{
    const struct wait_graph *graph = graph_of_both;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    if (graph->nodes[a].away != graph->nodes[b].away)
        return graph->nodes[a].away < graph->nodes[b].away ? -1 : 1;
    return (a > b) - (a < b);
}

static bool add_more_victims(struct finding *finding, size_t more)
{
    struct line text = {.length = 0};
    if (!more)
        return true;
    line_add(&text, "%zu more thread%s wait%s for these", more, plural(more), more == 1 ? "s" : "");
    return finding_add_fact(finding, &text, NULL);
}

/* The nearest first. */
static bool add_victims(struct finding *finding, struct find_context *context, const struct cycle *cycle)
{
    size_t *nodes = calloc(cycle->victims + 1, sizeof(*nodes)), count = 0;
    bool done = nodes != NULL;
    for (size_t i = 0; done && i < context->graph.count; i++)
        if (context->graph.nodes[i].toward == cycle->number && context->graph.nodes[i].away > 0)
            nodes[count++] = i;
    if (done)
        qsort_r(nodes, count, sizeof(*nodes), compare_victims, &context->graph);
    for (size_t i = 0; done && i < count; i++)
        done = finding_add_thread(finding, context, context->graph.nodes[nodes[i]].thread) &&
               (i >= MAX_VICTIMS || add_link(finding, context, nodes[i]));
    free(nodes);
    return done && add_more_victims(finding, count > MAX_VICTIMS ? count - MAX_VICTIMS : 0);
}

static bool add_cycle(struct find_context *context, size_t number)
{
    const struct cycle cycle = measure(context, number);
    struct line text = {.length = 0};
    add_chain(&text, context, &cycle);
    struct finding *finding =
        finding_add(context, FINDING_DEADLOCK, cycle.certain ? FINDING_PROVED : FINDING_LIKELY, &text);
    if (!finding || !add_members(finding, context, &cycle))
        return false;
    finding->own_facts = finding->fact_count;
    return add_victims(finding, context, &cycle);
}

bool find_deadlock(struct find_context *context)
{
    for (size_t i = 0; i < context->graph.cycles; i++)
        if (!add_cycle(context, i))
            return false;
    return true;
}
