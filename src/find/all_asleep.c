/* A process in which every thread waits for another one. */
#include "find/context.h"

enum { FACTS_SHOWN = 4, MAX_FACTS = 1000 };

static bool is_asleep(const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    return thread->source == STACK_SOURCE_PTRACE && !thread->later && is_inner_wait(wait) && !wait->running &&
           wait->timeout == WAIT_TIMEOUT_NO;
}

/* Do the findings so far explain the waits of all threads? */
static bool are_explained(const struct find_context *context)
{
    const struct stacks *stacks = context->evidence->stacks;
    for (size_t i = 0; i < stacks->count; i++) {
        bool named = false;
        for (size_t j = 0; !named && j < context->findings->count; j++)
            named = finding_names(&context->findings->items[j], find_thread_id(context, &stacks->threads[i]),
                                  stacks->threads[i].tid);
        if (!named)
            return false;
    }
    return true;
}

static bool add_thread(struct finding *finding, const struct find_context *context,
                       const struct thread_stack *thread)
{
    struct line text = {.length = 0};
    if (!finding_add_thread(finding, context, thread))
        return false;
    if (finding->fact_count >= MAX_FACTS)
        return true;
    add_thread_name(&text, context, thread);
    line_add(&text, ": %s", thread->wait.what ? thread->wait.what : wait_on_name(thread->wait.on));
    if (!finding_add_fact(finding, &text, current_place(thread)))
        return false;
    if (finding->fact_count > FACTS_SHOWN)
        finding_fact_is_more(finding);
    return true;
}

/* "all 3 threads wait, and nobody is left to wake them" */
static void add_sentence(struct line *text, const struct stacks *stacks, bool signals)
{
    size_t count = stacks->count;
    if (count > 2)
        line_add(text, "all %zu threads wait", count);
    else
        line_add(text, count == 2 ? "both threads wait" : "the only thread waits for ");
    if (count == 1)
        add_waited_object(text, &stacks->threads[0].wait);
    line_add(text, ", and nobody%s is left to wake %s", signals ? " but a signal handler" : "",
             count == 1 ? "it" : "them");
}

/* ": T1 joins T2, which waits for condvar work_ready", if a thread waits for one whose wait no thread ends.
 */
static void add_chain(struct line *text, const struct find_context *context)
{
    const struct wait_graph *graph = &context->graph;
    struct line owner = {.length = 0};
    size_t i = 0;
    while (i < graph->count &&
           (graph->nodes[i].next == NO_NODE || graph->nodes[graph->nodes[i].next].next != NO_NODE))
        i++;
    if (i == graph->count)
        return;
    const struct thread_stack *first = graph->nodes[i].thread;
    const struct thread_stack *next = graph->nodes[graph->nodes[i].next].thread;
    line_add(text, ": ");
    add_thread_name(text, context, first);
    add_thread_name(&owner, context, next);
    line_add(text, " ");
    add_wait_edge(text, &first->wait, owner.text);
    line_add(text, ", which waits for ");
    add_waited_object(text, &next->wait);
}

bool find_all_asleep(struct find_context *context)
{
    const struct stacks *stacks = context->evidence->stacks;
    struct line text = {.length = 0};
    for (size_t i = 0; stacks && i < stacks->count; i++)
        if (!is_asleep(&stacks->threads[i]))
            return true;
    if (!stacks || !stacks->count || are_explained(context))
        return true;
    /* Servers wait so until a signal ends them. */
    bool note = stacks->handles_signals;
    add_sentence(&text, stacks, note);
    add_chain(&text, context);
    struct finding *finding =
        finding_add(context, FINDING_ALL_ASLEEP, note ? FINDING_NOTE : FINDING_LIKELY, &text);
    for (size_t i = 0; finding && i < stacks->count; i++)
        if (!add_thread(finding, context, &stacks->threads[i]))
            return false;
    return finding != NULL;
}
