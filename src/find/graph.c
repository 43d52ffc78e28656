#include "find/graph.h"

#include <stdlib.h>
#include <string.h>

#define CLOCK_SLACK_S 0.1 /* the time of a thread's latest run is that of a clock tick */

/* A thread that holds something will not wait for ever if its own wait has a timeout. */
static bool waits_without_end(const struct thread_stack *thread)
{
    return thread->wait.on != WAIT_NONE && thread->wait.timeout != WAIT_TIMEOUT_YES;
}

static size_t index_of(const struct stacks *stacks, pid_t tid)
{
    const struct thread_stack *thread = tid > 0 ? stacks_find(stacks, tid) : NULL;
    return thread ? (size_t)(thread - stacks->threads) : NO_NODE;
}

/*
 * Was the owner created after the thread last ran? Then its tid may be that of an earlier thread, which ended
 * with the lock. It may also have got the lock before a thread that was woken for it, which does not wake
 * this one.
 */
static bool owner_is_younger(const struct evidence *evidence, const struct thread_stack *thread)
{
    const struct ledger_slot *slot = evidence->ledger && thread->wait.on != WAIT_JOIN
                                         ? thread_index_find(&evidence->threads, thread->wait.owner)
                                         : NULL;
    if (!slot || !evidence->now_ns || thread->idle_s < 0)
        return false;
    return (double)(evidence->now_ns - slot->created_ns) / 1e9 + CLOCK_SLACK_S < thread->idle_s;
}

/*
 * Edges that were true one after the other may make a circle that never existed. So all must be true at one
 * moment: a snapshot leaves blocked threads running, and proves by their counts of runs that none of them ran
 * between the first and the last reading (`later`). Threads that were interrupted by signals stopped one
 * after the other.
 */
static bool is_certain(const struct evidence *evidence, const struct thread_stack *thread)
{
    return thread->wait.timeout == WAIT_TIMEOUT_NO && thread->source != STACK_SOURCE_SIGNAL &&
           !thread->later && !thread->wait.owner_inferred && !thread->wait.shared &&
           !owner_is_younger(evidence, thread);
}

static void link_nodes(struct wait_graph *graph, const struct evidence *evidence)
{
    const struct stacks *stacks = evidence->stacks;
    for (size_t i = 0; i < graph->count; i++) {
        const struct thread_stack *thread = &stacks->threads[i];
        bool waits = waits_without_end(thread) && !thread->wait.owner_ended;
        graph->nodes[i] = (struct wait_node){
            .thread = thread,
            .next = waits ? index_of(stacks, thread->wait.owner) : NO_NODE,
            .certain = is_certain(evidence, thread),
            .cycle = NO_NODE,
            .toward = NO_NODE,
        };
    }
}

/* ---- cycles ---------------------------------------------------------------------------- */

/* Each node has at most one edge, so a walk that meets its own trace has found a cycle. */
static void mark_cycle(struct wait_graph *graph, size_t start)
{
    size_t at = start;
    do {
        graph->nodes[at].cycle = graph->nodes[at].toward = graph->cycles;
        at = graph->nodes[at].next;
    } while (at != start);
    graph->cycles++;
}

/* trace[i]: the walk that came to node i; 0: none. */
static void find_cycles(struct wait_graph *graph, size_t *trace)
{
    for (size_t i = 0; i < graph->count; i++) {
        size_t at = i;
        while (at != NO_NODE && !trace[at]) {
            trace[at] = i + 1;
            at = graph->nodes[at].next;
        }
        if (at != NO_NODE && trace[at] == i + 1 && graph->nodes[at].cycle == NO_NODE)
            mark_cycle(graph, at);
    }
}

/* The number of edges from each node to its cycle. `path` has room for all nodes. */
static void find_victims(struct wait_graph *graph, size_t *path)
{
    for (size_t i = 0; i < graph->count; i++) {
        size_t length = 0, at = i;
        while (at != NO_NODE && graph->nodes[at].toward == NO_NODE) {
            path[length++] = at;
            at = graph->nodes[at].next;
        }
        for (size_t away = 1; at != NO_NODE && length > 0; away++) {
            struct wait_node *node = &graph->nodes[path[--length]];
            node->toward = graph->nodes[at].toward;
            node->away = graph->nodes[at].away + away;
        }
    }
}

bool wait_graph_make(struct wait_graph *graph, const struct evidence *evidence)
{
    const struct stacks *stacks = evidence->stacks;
    size_t count = stacks ? stacks->count : 0, *work = calloc(count + 1, sizeof(*work));
    *graph = (struct wait_graph){.count = count};
    graph->nodes = calloc(count + 1, sizeof(*graph->nodes));
    bool done = work && graph->nodes;
    if (done) {
        link_nodes(graph, evidence);
        find_cycles(graph, work);
        find_victims(graph, work);
    }
    free(work);
    return done;
}

void wait_graph_release(struct wait_graph *graph)
{
    free(graph->nodes);
    *graph = (struct wait_graph){0};
}

/* ---- text --------------------------------------------------------------------------------- */

void add_wait_object(struct line *line, const struct wait *wait)
{
    int whole = wait->what ? (int)strlen(wait->what) : 0;
    int length = wait->object_length && wait->object_length < whole ? wait->object_length : whole;
    line_add(line, "%.*s", length, wait->what ? wait->what : "");
}

void add_wait_edge(struct line *line, const struct wait *wait, const char *owner)
{
    if (wait->on == WAIT_JOIN) {
        line_add(line, "joins %s", owner);
        return;
    }
    line_add(line, "waits for ");
    add_wait_object(line, wait);
    /* Without a row of its own, only an initialisation has an owner. */
    line_add(line, ", %s by %s", wait->on == WAIT_OTHER ? "begun" : "held", owner);
}

void add_waited_object(struct line *text, const struct wait *wait)
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
