/* Threads that took a fault after the end of the process began. */
#include <string.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "find/site.h"
#include "find/unloaded.h"

static const struct frame *fault_place(const struct find_context *context, ledger_pc pc)
{
    return pc ? stack_function(context->evidence->ledger, context->symbolizer, pc) : NULL;
}

/* "at log.c:31", "in libplugin.so, which was unloaded," */
static void add_fault_place(struct line *text, const struct find_context *context, ledger_pc pc, uint64_t id)
{
    const char *library =
        ledger_pc_module(pc) == LEDGER_NO_MODULE ? unloaded_library(context, ledger_pc_offset(pc), id) : NULL;
    if (library) {
        line_add(text, "in %s, which was unloaded,", library);
        return;
    }
    line_add(text, "at ");
    add_place(text, fault_place(context, pc));
}

static bool is_handled(const struct find_context *context, uint32_t signal)
{
    const struct ledger_header *header = ledger_get_header(context->evidence->ledger);
    return signal > 0 && signal <= 32 && header->handled_faults >> (signal - 1) & 1;
}

/* "T2 took SIGSEGV at log.c:31 after the end of the program began" */
static struct finding *add(struct find_context *context, const char *name, uint64_t id, uint32_t signal,
                           ledger_pc pc)
{
    const struct frame *at = fault_place(context, pc);
    struct line text = {.length = 0}, fact = {.length = 0};
    line_add(&text, "%s took %s ", name, fault_name(signal));
    add_fault_place(&text, context, pc, id);
    bool handled = is_handled(context, signal);
    line_add(&text, " after the end of the program began%s",
             handled ? "; the program has a handler for it, which may continue" : "");
    line_add(&fact, "%s took %s after the end of the program began", name, fault_name(signal));
    struct finding *finding =
        finding_add(context, FINDING_CRASHED_IN_END, handled ? FINDING_NOTE : FINDING_PROVED, &text);
    return finding && finding_add_fact(finding, &fact, at) ? finding : NULL;
}

static bool add_creation(struct finding *finding, const struct find_context *context,
                         const struct ledger_slot *slot)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, slot->site);
    const struct frame *at = site ? site_place(context, site) : NULL;
    struct line fact = {.length = 0};
    line_add(&fact, "T%llu was created", (unsigned long long)slot->serial);
    return !at || finding_add_creation(finding, &fact, at);
}

static bool add_slot(struct find_context *context, const struct ledger_slot *slot)
{
    struct line name = {.length = 0};
    line_add(&name, "T%llu", (unsigned long long)slot->serial);
    struct finding *finding = add(context, name.text, slot->serial, slot->fault_signal, slot->fault_pc);
    return finding && finding_add_slot(finding, slot) && add_creation(finding, context, slot);
}

/* The thread that ends the process, or one whose creation was not seen. */
static bool add_other(struct find_context *context, const struct ledger_fault *fault)
{
    struct line name = {.length = 0};
    struct ledger_slot thread = {.tid = fault->tid,
                                 .serial = fault->tid == context->evidence->pid ? LEDGER_MAIN_SERIAL : 0};
    if (thread.serial)
        line_add(&name, "T1");
    else
        line_add(&name, "tid %d", (int)fault->tid);
    struct finding *finding = add(context, name.text, thread.serial, fault->signal, fault->pc);
    return finding && finding_add_slot(finding, &thread);
}

static bool is_reported(const struct find_context *context)
{
    for (size_t i = 0; i < context->findings->count; i++)
        if (context->findings->items[i].code == FINDING_JOINABLE_DESTROYED)
            return true;
    return false;
}

static bool began_before(const struct ledger_header *header, uint64_t ns)
{
    return header->end_began && header->end_began_ns <= ns;
}

/* A handler that was registered after the first creation of a thread runs before the shim sees the end. */
static bool is_in_exit(const struct thread_stack *thread)
{
    for (size_t i = 0; thread && thread->stack && i < thread->stack->count; i++) {
        const struct frame *frame = &thread->stack->frames[i];
        if (frame->function && frame->module && stack_is_of_system(frame->module) &&
            (!strcmp(frame->function, "exit") || !strcmp(frame->function, "__run_exit_handlers")))
            return true;
    }
    return false;
}

/* abort() in an exit handler, or in another thread meanwhile. */
static bool add_abort(struct find_context *context, const struct ledger_header *header)
{
    const struct ledger_abort *abort = &header->abort;
    const struct thread_stack *thread = stacks_find(context->stacks, abort->tid);
    if ((!began_before(header, abort->ns) && !is_in_exit(thread)) || is_reported(context))
        return true;
    const struct frame *at = thread ? current_place(thread) : call_place(context, abort->at);
    struct ledger_slot slot = {.tid = abort->tid, .serial = abort->by};
    struct line text = {.length = 0}, fact = {.length = 0};
    if (abort->by)
        line_add(&fact, "T%llu", (unsigned long long)abort->by);
    else
        line_add(&fact, "tid %d", (int)abort->tid);
    line_add(&fact, abort->call == ABORT_ASSERT ? " failed an assertion" : " called abort");
    line_add(&text, "%s at ", fact.text);
    add_place(&text, at);
    line_add(&text, " after the end of the program began");
    struct finding *finding = finding_add(context, FINDING_CRASHED_IN_END, FINDING_PROVED, &text);
    return finding && finding_add_slot(finding, &slot) && finding_add_fact(finding, &fact, at);
}

/* Nothing records a fault in an exit handler: only its signal is known, which can also have been sent. */
static bool add_signal(struct find_context *context, const struct ledger_header *header)
{
    const struct process_end *end = &context->evidence->end;
    const char *name =
        end->known && WIFSIGNALED(end->wait_status) ? fault_name((uint32_t)WTERMSIG(end->wait_status)) : NULL;
    struct line text = {.length = 0};
    if (!name || !header->end_began || header->end != LEDGER_END_NONE || context->findings->count)
        return true;
    line_add(&text, "%s ended the process after the end of the program began", name);
    return finding_add(context, FINDING_CRASHED_IN_END, FINDING_LIKELY, &text) != NULL;
}

bool find_crashed_in_end(struct find_context *context)
{
    const struct evidence *evidence = context->evidence;
    if (!evidence->ledger)
        return true;
    for (size_t i = 0; i < evidence->threads.count; i++)
        if (fault_name(evidence->threads.slots[i].fault_signal) &&
            !add_slot(context, &evidence->threads.slots[i]))
            return false;
    const struct ledger_header *header = ledger_get_header(evidence->ledger);
    if (fault_name(header->fault.signal) && !add_other(context, &header->fault))
        return false;
    return evidence_is_abort(evidence) ? add_abort(context, header) : add_signal(context, header);
}
