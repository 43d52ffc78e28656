/* Threads that run in a library that was unloaded. */
#include <signal.h>
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

/* Nothing unloads the program itself. */
static bool is_program(const struct find_context *context, const struct ledger_module *module)
{
    const struct ledger *ledger = context->evidence->ledger;
    const char *exe = ledger_get_string(ledger, ledger_get_header(ledger)->exe);
    return *exe && strcmp(exe, ledger_get_string(ledger, module->path)) == 0;
}

/* Was it unloaded after this thread began? id 0: an untracked thread, which may have begun at any time. */
static bool is_gone_for(const struct find_context *context, const struct ledger_module *module, uint64_t id)
{
    return module->unloaded_serial > id && !is_program(context, module);
}

/* The name of a signal that the kernel sends to a thread that runs where no code is, or other code;
 * else NULL. */
static const char *missing_code_signal(uint32_t signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ? fault_name(signal) : NULL;
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
    return module && is_gone_for(context, module, id) ? library_name(context, module) : NULL;
}

struct unloaded {
    const struct ledger_module *module; /* NULL: none */
    bool certain; /* there is no code now, and call-frame information leads there, or there was a fault */
};

static bool took_fault(const struct find_context *context, pid_t tid, uint64_t pc)
{
    const struct ledger_slot *slot = thread_index_find(&context->evidence->threads, tid);
    return slot && missing_code_signal(slot->fault_signal) &&
           ledger_pc_module(slot->fault_pc) == LEDGER_NO_MODULE && ledger_pc_offset(slot->fault_pc) == pc;
}

/* A thread that began after the unload can have been in generated code, which is gone too. */
static struct unloaded unloaded_at_stray(const struct find_context *context, uint64_t pc, uint64_t id)
{
    const struct ledger_module *module = module_at(context, pc);
    if (!module || is_program(context, module))
        return (struct unloaded){NULL, false};
    return (struct unloaded){module, is_gone_for(context, module, id)};
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
        if (module && is_gone_for(context, module, id)) /* generated code can be there now */
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

/* The fault of missing code that ended the process; NULL: none. */
static const char *ended_by(const struct find_context *context)
{
    const struct process_end *end = &context->evidence->end;
    if (!end->known || !WIFSIGNALED(end->wait_status) || evidence_is_abort(context->evidence))
        return NULL;
    return missing_code_signal((uint32_t)WTERMSIG(end->wait_status));
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
        const struct ledger_module *module = module_of(context, pcs[i]);
        if (!module || !is_gone_for(context, module, slot->serial))
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
    const struct ledger_module *module = module_of(context, slot->start_pc);
    if (slot->state & SLOT_ENDED || !ledger_slot_kind(slot->state))
        return LEDGER_NO_MODULE;
    if (module && is_gone_for(context, module, slot->serial))
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
        if (module != LEDGER_NO_MODULE && !has_stack(context, slot) && !is_reported(context, slot))
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
             library_name(context, module));
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE, FINDING_LIKELY, &text);
    bool done = finding != NULL;
    if (finding)
        finding->no_verdict = !signal;
    for (size_t i = 0; done && i < count; i++)
        done = finding_add_slot(finding, began[i].slot);
    return done && add_creation(finding, context, began->slot) && add_unload(finding, context, module);
}

/* dlclose returns to its caller. */
static bool find_by_itself(struct find_context *context, const struct ledger_module *module)
{
    const char *signal = ended_by(context);
    struct line text = {.length = 0};
    if (!signal || !module->unloaded || !is_gone_for(context, module, 0) ||
        module_of(context, module->unloaded_at) != module)
        return true;
    line_add(&text, "%s ended the process, and %s had unloaded itself", signal,
             library_name(context, module));
    struct finding *finding = finding_add(context, FINDING_UNLOADED_CODE, FINDING_LIKELY, &text);
    return finding && add_unload(finding, context, module);
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
static bool find_all_began(struct find_context *context)
{
    return ledger_get_header(context->evidence->ledger)->second_namespace ||
           (find_began(context) && find_all_by_themselves(context));
}

bool find_unloaded_code(struct find_context *context)
{
    return !context->evidence->ledger || (find_stacks(context) && find_all_began(context));
}
