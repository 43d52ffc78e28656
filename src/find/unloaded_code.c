/* Threads whose stack leads into a library that was unloaded. */
#include "base/path.h"
#include "find/site.h"

/* The library that had code at this address when its record was made; NULL: none. */
static const struct ledger_module *module_at(const struct ledger *ledger, uint64_t pc)
{
    uint32_t count = ledger_used(ledger_get_header(ledger), SECTION_MODULES);
    for (uint32_t i = 0; i < count; i++) {
        const struct ledger_module *module = ledger_get_module(ledger, i);
        if (module && pc >= module->start && pc < module->end)
            return module;
    }
    return NULL;
}

struct unloaded {
    const struct ledger_module *module; /* NULL: none */
    bool certain;                       /* there is no code now, and call-frame information leads there */
};

static struct unloaded unloaded_in(const struct find_context *context, const struct shared_stack *stack)
{
    const struct ledger *ledger = context->evidence->ledger;
    if (stack->stray)
        return (struct unloaded){module_at(ledger, stack->stray - 1), true};
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        if (!frame->module && frame->pc) /* generated code can be there now */
            return (struct unloaded){module_at(ledger, frame->pc - frame->is_return_address), false};
    }
    return (struct unloaded){NULL, false};
}

/* "a library was unloaded"; "libraries were unloaded 3 times, the latest" */
static bool add_unload(struct finding *finding, const struct find_context *context)
{
    const struct ledger_header *header = ledger_get_header(context->evidence->ledger);
    struct line fact = {.length = 0};
    if (!header->unloads)
        return true;
    if (header->unloads == 1)
        line_add(&fact, "the library was unloaded");
    else
        line_add(&fact, "libraries were unloaded %llu times; the latest",
                 (unsigned long long)header->unloads);
    return finding_add_fact(finding, &fact, call_place(context, header->unloaded_at));
}

static bool add(struct find_context *context, const struct thread_stack *thread,
                const struct unloaded *unloaded)
{
    const char *name = path_basename(ledger_get_string(context->evidence->ledger, unloaded->module->path));
    struct line text = {.length = 0}, fact = {.length = 0};
    add_thread_name(&text, context, thread);
    line_add(&text, " will return to code of %s, which was unloaded", *name ? name : "a library");
    add_thread_name(&fact, context, thread);
    line_add(&fact, " will return to code of %s; it is now", *name ? name : "a library");
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE,
                                          unloaded->certain ? FINDING_PROVED : FINDING_LIKELY, &text);
    return finding && finding_add_thread(finding, context, thread) &&
           finding_add_fact(finding, &fact, current_place(thread)) && add_unload(finding, context);
}

bool find_unloaded_code(struct find_context *context)
{
    for (size_t i = 0; context->evidence->ledger && i < context->stacks->count; i++) {
        const struct thread_stack *thread = &context->stacks->threads[i];
        const struct unloaded unloaded =
            thread->stack ? unloaded_in(context, thread->stack) : (struct unloaded){NULL, false};
        if (unloaded.module && !add(context, thread, &unloaded))
            return false;
    }
    return true;
}
