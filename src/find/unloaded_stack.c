/* Threads whose stack is in a library that was unloaded. */
#include "find/unloaded.h"

struct unloaded {
    const struct ledger_module *module; /* NULL: none */
    bool gone;                          /* it was unloaded after the thread began */
    bool certain;
};

/* The library that had code at this address. Of several, which had it one after the other, the first that was
 * unloaded after this thread began: the thread can have been in another one, too. */
static struct unloaded unloaded_at(const struct find_context *context, uint64_t pc, uint64_t id)
{
    struct unloaded best = {NULL, false, false};
    const struct ledger_module *module;
    for (uint32_t i = 0; (module = ledger_get_module(context->evidence->ledger, i)); i++) {
        if (pc < module->start || pc >= module->end || unloaded_is_program(context, module))
            continue;
        bool gone = unloaded_is_gone_for(context, module, id);
        best.certain = gone ? !best.gone : best.certain;
        if (!best.module || gone > best.gone ||
            (gone && module->unloaded_serial < best.module->unloaded_serial))
            best.module = module;
        best.gone |= gone;
    }
    return best;
}

const char *unloaded_library(const struct find_context *context, uint64_t pc, uint64_t id)
{
    struct unloaded unloaded = unloaded_at(context, pc, id);
    return unloaded.gone ? unloaded_name(context, unloaded.module) : NULL;
}

static bool took_fault(const struct find_context *context, pid_t tid, uint64_t pc)
{
    const struct ledger_slot *slot = thread_index_find(&context->evidence->threads, tid);
    return slot && unloaded_signal(slot->fault_signal) &&
           ledger_pc_module(slot->fault_pc) == LEDGER_NO_MODULE && ledger_pc_offset(slot->fault_pc) == pc;
}

/* Certain: there is no code now, and call-frame information leads there, or there was a fault. A thread that
 * began after the unload can have been in generated code, which is gone too. */
static struct unloaded unloaded_in(const struct find_context *context, const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    uint64_t id = find_thread_id(context, thread);
    if (stack->stray)
        return unloaded_at(context, stack->stray - 1, id);
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        if (frame->module || !frame->pc)
            continue;
        struct unloaded unloaded = unloaded_at(context, frame->pc - frame->is_return_address, id);
        unloaded.certain &= took_fault(context, thread->tid, frame->pc); /* generated code can be there now */
        if (unloaded.gone)
            return unloaded;
    }
    return (struct unloaded){NULL, false, false};
}

static bool add_stack(struct find_context *context, const struct thread_stack *thread,
                      const struct unloaded *unloaded)
{
    const char *name = unloaded_name(context, unloaded->module);
    struct line text = {.length = 0}, fact = {.length = 0};
    add_thread_name(&text, context, thread);
    line_add(&text, " will return to code of %s, which was unloaded", name);
    add_thread_name(&fact, context, thread);
    line_add(&fact, " will return to code of %s from its call", name);
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE,
                                          unloaded->certain ? FINDING_PROVED : FINDING_LIKELY, &text);
    if (!finding)
        return false;
    finding->no_verdict = true;
    return finding_add_thread(finding, context, thread) &&
           finding_add_fact(finding, &fact, current_place(thread)) &&
           unloaded_add_fact(finding, context, unloaded->module);
}

bool find_unloaded_stacks(struct find_context *context)
{
    for (size_t i = 0; i < context->stacks->count; i++) {
        const struct thread_stack *thread = &context->stacks->threads[i];
        const struct unloaded unloaded =
            thread->stack ? unloaded_in(context, thread) : (struct unloaded){NULL, false, false};
        if (unloaded.module && !add_stack(context, thread, &unloaded))
            return false;
    }
    return true;
}
