/* Threads that wait for a lock whose owner has ended. */
#include "find/context.h"

/* The thread that ends the process does not return to the program: its destructors and handlers have run. */
static bool owner_ends_process(const struct evidence *evidence, const struct wait *wait)
{
    const struct ledger_header *header = evidence->ledger ? ledger_get_header(evidence->ledger) : NULL;
    return header && header->end != LEDGER_END_NONE && wait->owner && wait->on != WAIT_JOIN &&
           wait->owner == header->end_tid;
}

static bool has_dead_owner(const struct evidence *evidence, const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    return wait->on != WAIT_NONE && wait->timeout != WAIT_TIMEOUT_YES &&
           (wait->owner_ended || owner_ends_process(evidence, wait));
}

/* A forked child has the locks as they were in its parent, but only the thread that called fork. */
static bool may_be_of_parent(const struct find_context *context, pid_t owner)
{
    const struct ledger *ledger = context->evidence->ledger;
    return ledger && ledger_get_header(ledger)->fork.pid && owner != context->evidence->pid &&
           !thread_index_find(&context->evidence->threads, owner);
}

static void add_owner(struct line *line, const struct find_context *context,
                      const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    if (thread->owner_id)
        line_add(line, "T%llu", (unsigned long long)thread->owner_id);
    else if (wait->owner)
        line_add(line, "tid %d", (int)wait->owner);
    else
        line_add(line, "a thread");
    if (wait->owner_process)
        line_add(line, ", which exists only in the parent process %d", (int)wait->owner_process);
    else if (!wait->owner_ended)
        line_add(line, ", which has ended the process");
    else if (may_be_of_parent(context, wait->owner))
        line_add(line, ", which does not exist in this process");
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
    return finding_add_creation(finding, &text, stack_call(evidence->ledger, context->symbolizer, frames[0]));
}

/* At the end of a process such a thread is no cause of anything. */
static enum finding_level level_of(const struct find_context *context, const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    if (!wait->owner_ended)
        return FINDING_NOTE;
    bool is_certain = !context->evidence->core && wait->timeout == WAIT_TIMEOUT_NO && !wait->shared &&
                      !wait->owner_inferred && !wait->owner_may_have_forked;
    return is_certain ? FINDING_PROVED : FINDING_LIKELY;
}

static bool add(struct find_context *context, const struct thread_stack *thread)
{
    struct line text = {.length = 0};
    add_thread_name(&text, context, thread);
    line_add(&text, " waits for ");
    add_wait_object(&text, &thread->wait);
    line_add(&text, ", held by ");
    add_owner(&text, context, thread);
    struct finding *finding = finding_add(context, FINDING_DEAD_OWNER, level_of(context, thread), &text);
    if (!finding || !finding_add_thread(finding, context, thread))
        return false;
    return finding_add_fact(finding, &text, current_place(thread)) && add_creation(finding, context, thread);
}

bool find_dead_owner(struct find_context *context)
{
    const struct stacks *stacks = context->stacks;
    for (size_t i = 0; i < stacks->count; i++)
        if (has_dead_owner(context->evidence, &stacks->threads[i]) && !add(context, &stacks->threads[i]))
            return false;
    return true;
}
