/* Threads whose stack is in a library that was unloaded. */
#include "find/unloaded.h"

/* The library that had code at this address; of several the one that was unloaded last. NULL: none. */
static const struct ledger_module *module_at(const struct find_context *context, uint64_t pc)
{
    const struct ledger_module *best = NULL, *module;
    for (uint32_t i = 0; (module = ledger_get_module(context->evidence->ledger, i)); i++)
        if (pc >= module->start && pc < module->end &&
            (!best || module->unloaded_serial > best->unloaded_serial))
            best = module;
    return best;
}

const char *unloaded_library(const struct find_context *context, uint64_t pc, uint64_t id)
{
    const struct ledger_module *module = module_at(context, pc);
    return module && unloaded_is_gone_for(context, module, id) ? unloaded_name(context, module) : NULL;
}

struct unloaded {
    const struct ledger_module *module; /* NULL: none */
    bool certain; /* there is no code now, and call-frame information leads there, or there was a fault */
};

static bool took_fault(const struct find_context *context, pid_t tid, uint64_t pc)
{
    const struct ledger_slot *slot = thread_index_find(&context->evidence->threads, tid);
    return slot && unloaded_signal(slot->fault_signal) &&
           ledger_pc_module(slot->fault_pc) == LEDGER_NO_MODULE && ledger_pc_offset(slot->fault_pc) == pc;
}

/* A thread that began after the unload can have been in generated code, which is gone too. */
static struct unloaded unloaded_at_stray(const struct find_context *context, uint64_t pc, uint64_t id)
{
    const struct ledger_module *module = module_at(context, pc);
    if (!module || unloaded_is_program(context, module))
        return (struct unloaded){NULL, false};
    return (struct unloaded){module, unloaded_is_gone_for(context, module, id)};
}

static struct unloaded unloaded_in(const struct find_context *context, const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    uint64_t id = find_thread_id(context, thread);
    if (stack->stray)
        return unloaded_at_stray(context, stack->stray - 1, id);
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        const struct ledger_module *module =
            frame->module || !frame->pc ? NULL : module_at(context, frame->pc - frame->is_return_address);
        if (module && unloaded_is_gone_for(context, module, id)) /* generated code can be there now */
            return (struct unloaded){module, took_fault(context, thread->tid, frame->pc)};
    }
    return (struct unloaded){NULL, false};
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
            thread->stack ? unloaded_in(context, thread) : (struct unloaded){NULL, false};
        if (unloaded.module && !add_stack(context, thread, &unloaded))
            return false;
    }
    return true;
}
