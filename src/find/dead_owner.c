/* Threads that wait for a lock whose owner has ended. */
#include "find/context.h"

static bool has_dead_owner(const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    return wait->on != WAIT_NONE && wait->owner_ended && wait->timeout != WAIT_TIMEOUT_YES;
}

/* In a forked child it may be a thread of the parent, which the fork did not copy. */
static bool is_of_the_parent(const struct find_context *context, pid_t owner)
{
    const struct ledger *ledger = context->evidence->ledger;
    if (!ledger || !ledger_get_header(ledger)->fork.pid)
        return false;
    return !thread_index_find(&context->evidence->threads, owner);
}

static void add_owner(struct line *line, const struct find_context *context,
                      const struct thread_stack *thread)
{
    if (thread->owner_id)
        line_add(line, "T%llu", (unsigned long long)thread->owner_id);
    else
        line_add(line, "tid %d", (int)thread->wait.owner);
    if (is_of_the_parent(context, thread->wait.owner))
        line_add(line, ", which exists only in the parent process");
    else
        line_add(line, ", which has ended");
}

static bool add_creation(struct finding *finding, const struct find_context *context,
                         const struct thread_stack *thread)
{
    const struct evidence *evidence = context->evidence;
    const struct ledger_slot *slot =
        thread->owner_id ? thread_index_find(&evidence->threads, thread->wait.owner) : NULL;
    const struct ledger_site *site = slot ? ledger_get_site(evidence->ledger, slot->site) : NULL;
    uint32_t count = 0;
    const ledger_pc *frames = site ? ledger_get_frames(evidence->ledger, site, &count) : NULL;
    struct line text = {.length = 0};
    if (!count)
        return true;
    line_add(&text, "T%llu was created", (unsigned long long)thread->owner_id);
    return finding_add_fact(finding, &text, stack_call(evidence->ledger, context->symbolizer, frames[0]));
}

static bool add(struct find_context *context, const struct thread_stack *thread)
{
    bool certain = thread->wait.timeout == WAIT_TIMEOUT_NO && !thread->wait.shared;
    struct line text = {.length = 0}, fact = {.length = 0};
    add_thread_name(&text, context, thread);
    line_add(&text, " waits for ");
    add_wait_object(&text, &thread->wait);
    line_add(&text, ", held by ");
    add_owner(&text, context, thread);
    struct finding *finding =
        finding_add(context, FINDING_DEAD_OWNER, certain ? FINDING_PROVED : FINDING_LIKELY, &text);
    if (!finding || !finding_add_thread(finding, context, thread))
        return false;
    add_thread_name(&fact, context, thread);
    line_add(&fact, " waits");
    return finding_add_fact(finding, &fact, current_place(thread)) && add_creation(finding, context, thread);
}

bool find_dead_owner(struct find_context *context)
{
    const struct stacks *stacks = context->evidence->stacks;
    for (size_t i = 0; i < stacks->count; i++)
        if (has_dead_owner(&stacks->threads[i]) && !add(context, &stacks->threads[i]))
            return false;
    return true;
}
