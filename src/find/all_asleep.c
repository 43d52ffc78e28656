/* A process in which every thread waits for another one. */
#include "find/context.h"

enum { FACTS_SHOWN = 4, MAX_FACTS = 1000 };

static bool is_asleep(const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    return thread->source == STACK_SOURCE_PTRACE && !thread->later && is_inner_wait(wait) && !wait->running &&
           wait->timeout == WAIT_TIMEOUT_NO;
}

/* Do the findings so far say of all threads why they wait? */
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
    if (stacks->count == 1)
        line_add(&text, "the only thread waits for something that only this process could do");
    else if (stacks->count == 2)
        line_add(&text, "both threads wait for something that only this process could do");
    else
        line_add(&text, "all %zu threads wait for something that only this process could do", stacks->count);
    line_add(&text, "%s", note ? ", or one of its signal handlers" : "");
    struct finding *finding =
        finding_add(context, FINDING_ALL_ASLEEP, note ? FINDING_NOTE : FINDING_LIKELY, &text);
    for (size_t i = 0; finding && i < stacks->count; i++)
        if (!add_thread(finding, context, &stacks->threads[i]))
            return false;
    return finding != NULL;
}
