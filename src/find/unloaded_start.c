/* Threads that began in a library that was unloaded, where no stack shows where they are. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "find/unloaded.h"

/* The fault of missing code that ended the process; NULL: none. */
static const char *ended_by(const struct find_context *context)
{
    const struct process_end *end = &context->evidence->end;
    if (!end->known || !WIFSIGNALED(end->wait_status) || evidence_is_abort(context->evidence))
        return NULL;
    return unloaded_signal((uint32_t)WTERMSIG(end->wait_status));
}

/* Is other code at an old address of the library on the stack? */
static bool is_replaced(const struct find_context *context, const struct shared_stack *stack,
                        const struct ledger_module *module)
{
    const char *path = ledger_get_string(context->evidence->ledger, module->path);
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        if (frame->module && frame->pc >= module->start && frame->pc < module->end &&
            strcmp(frame->module, path) != 0)
            return true;
    }
    return false;
}

/* A whole stack shows where the thread is. One that ends early can be of a library that was loaded again at
 * the same addresses, so it must lead to where no code is, or other code. */
static bool can_be_there(const struct find_context *context, const struct ledger_slot *slot, uint32_t module)
{
    const struct thread_stack *thread = context->evidence->core
                                            ? stacks_find_handle(context->stacks, slot->handle)
                                            : stacks_find(context->stacks, slot->tid);
    const struct shared_stack *stack = thread ? thread->stack : NULL;
    if (!stack || !stack->count)
        return true;
    return stack->incomplete &&
           (stack->stray ||
            is_replaced(context, stack, ledger_get_module(context->evidence->ledger, module)));
}

static bool is_reported(const struct find_context *context, const struct ledger_slot *slot)
{
    for (size_t i = 0; i < context->findings->count; i++)
        if (context->findings->items[i].code == FINDING_UNLOADED_CODE &&
            finding_names(&context->findings->items[i], slot->serial, slot->tid))
            return true;
    return false;
}

/* The code that created it; NULL: unknown, or of a runtime. */
static const struct frame *creator_of(const struct find_context *context, const struct ledger_site *site)
{
    const struct frame *start = site_start(context, site);
    const struct frame *creator = start && start->runtime ? site_place(context, site) : NULL;
    return creator && creator->module && !creator->runtime ? creator : NULL;
}

/* std::thread and others have a start routine of their own, which calls code of the creator. Symbolises only
 * where a frame of the creation is in an unloaded library. */
static uint32_t gone_creator(const struct find_context *context, const struct ledger_slot *slot)
{
    const struct ledger *ledger = context->evidence->ledger;
    const struct ledger_site *site = ledger_get_site(ledger, slot->site);
    const struct frame *creator = NULL;
    uint32_t count = 0;
    const ledger_pc *pcs = site ? ledger_get_frames(ledger, site, &count) : NULL;
    for (uint32_t i = 0; i < count && i < OPTIONS_DEPTH_MAX; i++) {
        const struct ledger_module *module = unloaded_module_of(context, pcs[i]);
        if (!module || !unloaded_is_gone_for(context, module, slot->serial))
            continue;
        if (!creator && !(creator = creator_of(context, site)))
            break;
        if (strcmp(creator->module, ledger_get_string(ledger, module->path)) == 0)
            return ledger_pc_module(pcs[i]);
    }
    return LEDGER_NO_MODULE;
}

/* The unloaded library that it began in; LEDGER_NO_MODULE: none. */
static uint32_t gone_start(const struct find_context *context, const struct ledger_slot *slot)
{
    const struct ledger_module *module = unloaded_module_of(context, slot->start_pc);
    if (slot->state & SLOT_ENDED || !ledger_slot_kind(slot->state))
        return LEDGER_NO_MODULE;
    if (module && unloaded_is_gone_for(context, module, slot->serial))
        return ledger_pc_module(slot->start_pc);
    return ended_by(context) ? gone_creator(context, slot) : LEDGER_NO_MODULE;
}

struct began {
    const struct ledger_slot *slot;
    uint32_t module;
};

static int compare_began(const void *left, const void *right)
{
    const struct began *a = left, *b = right;
    if (a->module != b->module)
        return a->module < b->module ? -1 : 1;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* One pass over the threads; by library. Returns how many. */
static size_t collect_began(const struct find_context *context, struct began *began)
{
    const struct thread_index *threads = &context->evidence->threads;
    size_t count = 0;
    for (size_t i = 0; i < threads->count; i++) {
        const struct ledger_slot *slot = &threads->slots[i];
        uint32_t module = gone_start(context, slot);
        if (module != LEDGER_NO_MODULE && can_be_there(context, slot, module) && !is_reported(context, slot))
            began[count++] = (struct began){slot, module};
    }
    if (count)
        qsort(began, count, sizeof(*began), compare_began);
    return count;
}

/* Is code of this library on the stack at its old addresses? */
static bool stack_is_in(const struct find_context *context, const struct shared_stack *stack,
                        const struct ledger_module *module)
{
    const char *path = ledger_get_string(context->evidence->ledger, module->path);
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        if (frame->module && frame->pc >= module->start && frame->pc < module->end &&
            strcmp(frame->module, path) == 0)
            return true;
    }
    return false;
}

/* A library that was loaded again, and has created no thread since, is still recorded as unloaded, with its
 * old addresses. */
static bool is_loaded_again(const struct find_context *context, const struct ledger_module *module)
{
    for (size_t i = 0; module->unloaded && i < context->stacks->count; i++) {
        const struct shared_stack *stack = context->stacks->threads[i].stack;
        if (stack && stack_is_in(context, stack, module))
            return true;
    }
    return false;
}

static bool add_creation(struct finding *finding, const struct find_context *context,
                         const struct ledger_slot *slot)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, slot->site);
    const struct frame *start =
        stack_function(context->evidence->ledger, context->symbolizer, slot->start_pc);
    const struct frame *at = site ? site_place(context, site) : NULL;
    struct line runs = {.length = 0}, created = {.length = 0};
    line_add(&runs, "T%llu began", (unsigned long long)slot->serial);
    line_add(&created, "T%llu was created", (unsigned long long)slot->serial);
    return (!start || finding_add_fact(finding, &runs, start)) &&
           (!at || finding_add_creation(finding, &created, at));
}

/* "T2 and 3 more threads run in an unloaded library, libplugin.so" */
static bool add_began(struct find_context *context, const struct ledger_module *module,
                      const struct began *began, size_t count)
{
    const char *signal = ended_by(context);
    struct line text = {.length = 0};
    if (signal)
        line_add(&text, "%s ended the process, and ", signal);
    line_add(&text, "T%llu", (unsigned long long)began->slot->serial);
    if (count > 1)
        line_add(&text, " and %zu more thread%s", count - 1, count > 2 ? "s" : "");
    line_add(&text, " %s in an unloaded library, %s",
             signal      ? "ran"
             : count > 1 ? "run"
                         : "runs",
             unloaded_name(context, module));
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE, FINDING_LIKELY, &text);
    bool done = finding != NULL;
    if (finding)
        finding->no_verdict = !signal;
    for (size_t i = 0; done && i < count; i++)
        done = finding_add_slot(finding, began[i].slot);
    return done && add_creation(finding, context, began->slot) && unloaded_add_fact(finding, context, module);
}

/* dlclose returns to its caller. */
static bool find_by_itself(struct find_context *context, const struct ledger_module *module)
{
    const char *signal = ended_by(context);
    struct line text = {.length = 0};
    if (!signal || !module->unloaded || !unloaded_is_gone_for(context, module, 0) ||
        unloaded_module_of(context, module->unloaded_at) != module)
        return true;
    line_add(&text, "%s ended the process, and %s had unloaded itself", signal,
             unloaded_name(context, module));
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE, FINDING_LIKELY, &text);
    return finding && unloaded_add_fact(finding, context, module);
}

/* Adds those of one library. */
static bool add_group(struct find_context *context, const struct began *began, size_t count)
{
    const struct ledger_module *module = ledger_get_module(context->evidence->ledger, began->module);
    return is_loaded_again(context, module) || add_began(context, module, began, count);
}

static bool find_began(struct find_context *context)
{
    struct began *began = calloc(context->evidence->threads.count + 1, sizeof(*began));
    size_t count = began ? collect_began(context, began) : 0;
    bool done = began != NULL;
    for (size_t from = 0, end; done && from < count; from = end) {
        for (end = from + 1; end < count && began[end].module == began[from].module;)
            end++;
        done = add_group(context, &began[from], end - from);
    }
    free(began);
    return done;
}

static bool find_all_by_themselves(struct find_context *context)
{
    const struct ledger_module *module;
    bool done = true;
    for (uint32_t i = 0; done && (module = ledger_get_module(context->evidence->ledger, i)); i++)
        done = find_by_itself(context, module);
    return done;
}

/* With a second namespace of the loader, the same library can be loaded twice. */
bool find_unloaded_starts(struct find_context *context)
{
    return ledger_get_header(context->evidence->ledger)->second_namespace ||
           (find_began(context) && find_all_by_themselves(context));
}
