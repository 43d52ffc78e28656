/* Threads that run in a library that was unloaded. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/path.h"
#include "find/site.h"

static const struct ledger_module *module_of(const struct find_context *context, ledger_pc pc)
{
    return ledger_get_module(context->evidence->ledger, ledger_pc_module(pc));
}

static const char *library_name(const struct find_context *context, const struct ledger_module *module)
{
    const char *name = path_basename(ledger_get_string(context->evidence->ledger, module->path));
    return *name ? name : "a library";
}

/* Was it unloaded after this thread began? id 0: an untracked thread, which may have begun at any time. */
static bool is_gone_for(const struct ledger_module *module, uint64_t id)
{
    return module->unloaded_serial > id;
}

static bool add_unload(struct finding *finding, const struct find_context *context,
                       const struct ledger_module *module)
{
    struct line fact = {.length = 0};
    if (!module->unloaded_at)
        return true;
    line_add(&fact, "%s was unloaded", library_name(context, module));
    return finding_add_fact(finding, &fact, call_place(context, module->unloaded_at));
}

/* ---- by their stacks ----------------------------------------------------------------------------- */

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
    return module && is_gone_for(module, id) ? library_name(context, module) : NULL;
}

struct unloaded {
    const struct ledger_module *module; /* NULL: none */
    bool certain; /* there is no code now, and call-frame information leads there, or there was a fault */
};

static bool took_fault(const struct find_context *context, pid_t tid, uint64_t pc)
{
    const struct ledger_slot *slot = thread_index_find(&context->evidence->threads, tid);
    return slot && fault_name(slot->fault_signal) && ledger_pc_module(slot->fault_pc) == LEDGER_NO_MODULE &&
           ledger_pc_offset(slot->fault_pc) == pc;
}

static struct unloaded unloaded_in(const struct find_context *context, const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    uint64_t id = find_thread_id(context, thread);
    if (stack->stray)
        return (struct unloaded){module_at(context, stack->stray - 1), true};
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        const struct ledger_module *module =
            frame->module || !frame->pc ? NULL : module_at(context, frame->pc - frame->is_return_address);
        if (module && is_gone_for(module, id)) /* generated code can be there now */
            return (struct unloaded){module, took_fault(context, thread->tid, frame->pc)};
    }
    return (struct unloaded){NULL, false};
}

static bool add_stack(struct find_context *context, const struct thread_stack *thread,
                      const struct unloaded *unloaded)
{
    const char *name = library_name(context, unloaded->module);
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
           add_unload(finding, context, unloaded->module);
}

static bool find_stacks(struct find_context *context)
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

/* ---- by where they began ------------------------------------------------------------------------- */

/* The fault that ended the process; NULL: none. */
static const char *ended_by(const struct find_context *context)
{
    const struct process_end *end = &context->evidence->end;
    return end->known && WIFSIGNALED(end->wait_status) ? fault_name((uint32_t)WTERMSIG(end->wait_status))
                                                       : NULL;
}

/* A whole stack shows where the thread is. */
static bool has_stack(const struct find_context *context, const struct ledger_slot *slot)
{
    const struct thread_stack *thread = context->evidence->core
                                            ? stacks_find_handle(context->stacks, slot->handle)
                                            : stacks_find(context->stacks, slot->tid);
    return thread && thread->stack && thread->stack->count && !thread->stack->incomplete;
}

static bool is_reported(const struct find_context *context, const struct ledger_slot *slot)
{
    for (size_t i = 0; i < context->findings->count; i++)
        if (context->findings->items[i].code == FINDING_UNLOADED_CODE &&
            finding_names(&context->findings->items[i], slot->serial, slot->tid))
            return true;
    return false;
}

/* std::thread and others have a start routine of their own, which calls code of the creator. */
static bool creator_is_in(const struct find_context *context, const struct ledger_slot *slot,
                          const struct ledger_module *module)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, slot->site);
    const struct frame *start = site ? site_start(context, site) : NULL;
    const struct frame *creator = start && start->runtime ? site_place(context, site) : NULL;
    return creator && creator->module && !creator->runtime &&
           strcmp(creator->module, ledger_get_string(context->evidence->ledger, module->path)) == 0;
}

static bool began_in(const struct find_context *context, const struct ledger_slot *slot,
                     const struct ledger_module *module)
{
    if (slot->state & SLOT_ENDED || !ledger_slot_kind(slot->state) || !is_gone_for(module, slot->serial))
        return false;
    bool starts_there = module_of(context, slot->start_pc) == module;
    return (starts_there || (ended_by(context) && creator_is_in(context, slot, module))) &&
           !has_stack(context, slot) && !is_reported(context, slot);
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
                      const struct ledger_slot *const *slots, size_t count)
{
    const char *signal = ended_by(context);
    struct line text = {.length = 0};
    if (signal)
        line_add(&text, "%s ended the process, and ", signal);
    line_add(&text, "T%llu", (unsigned long long)slots[0]->serial);
    if (count > 1)
        line_add(&text, " and %zu more thread%s", count - 1, count > 2 ? "s" : "");
    line_add(&text, " %s in an unloaded library, %s",
             signal      ? "ran"
             : count > 1 ? "run"
                         : "runs",
             library_name(context, module));
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE, FINDING_LIKELY, &text);
    bool done = finding != NULL;
    if (finding)
        finding->no_verdict = !signal;
    for (size_t i = 0; done && i < count; i++)
        done = finding_add_slot(finding, slots[i]);
    return done && add_creation(finding, context, slots[0]) && add_unload(finding, context, module);
}

static bool find_began(struct find_context *context, const struct ledger_module *module,
                       const struct ledger_slot **slots)
{
    const struct thread_index *threads = &context->evidence->threads;
    size_t count = 0;
    for (size_t i = 0; i < threads->count; i++)
        if (began_in(context, &threads->slots[i], module))
            slots[count++] = &threads->slots[i];
    return !count || add_began(context, module, slots, count);
}

/* dlclose returns to its caller. */
static bool find_by_itself(struct find_context *context, const struct ledger_module *module)
{
    const char *signal = ended_by(context);
    struct line text = {.length = 0};
    if (!signal || !module->unloaded || module_of(context, module->unloaded_at) != module)
        return true;
    line_add(&text, "%s ended the process, and %s had unloaded itself", signal,
             library_name(context, module));
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE, FINDING_LIKELY, &text);
    return finding && add_unload(finding, context, module);
}

/* With a second namespace of the loader, the same library can be loaded twice. */
static bool find_all_began(struct find_context *context)
{
    const struct ledger *ledger = context->evidence->ledger;
    const struct ledger_slot **slots = calloc(context->evidence->threads.count + 1, sizeof(*slots));
    const struct ledger_module *module;
    bool done = slots != NULL;
    for (uint32_t i = 0; done && (module = ledger_get_module(ledger, i)); i++)
        if (module->unloaded_serial && !ledger_get_header(ledger)->second_namespace)
            done = find_began(context, module, slots) && find_by_itself(context, module);
    free(slots);
    return done;
}

bool find_unloaded_code(struct find_context *context)
{
    return !context->evidence->ledger || (find_stacks(context) && find_all_began(context));
}
