/* Threads that took a fault after the end of the process began. */
#include "base/fault.h"
#include "find/site.h"

static const struct frame *fault_place(const struct find_context *context, ledger_pc pc)
{
    return pc ? stack_function(context->evidence->ledger, context->symbolizer, pc) : NULL;
}

/* "T2 took SIGSEGV in flush_log (log.c:31) after the end of the program began" */
static struct finding *add(struct find_context *context, const char *name, uint32_t signal, ledger_pc pc)
{
    const struct frame *at = fault_place(context, pc);
    struct line text = {.length = 0}, fact = {.length = 0};
    line_add(&text, "%s took %s at ", name, fault_name(signal));
    add_place(&text, at);
    line_add(&text, " after the end of the program began");
    line_add(&fact, "%s took %s after the end of the program began", name, fault_name(signal));
    struct finding *finding = finding_add(context, FINDING_CRASHED_IN_END, FINDING_PROVED, &text);
    return finding && finding_add_fact(finding, &fact, at) ? finding : NULL;
}

static bool add_creation(struct finding *finding, const struct find_context *context,
                         const struct ledger_slot *slot)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, slot->site);
    const struct frame *at = site ? site_place(context, site) : NULL;
    struct line fact = {.length = 0};
    line_add(&fact, "T%llu was created", (unsigned long long)slot->serial);
    return !at || finding_add_fact(finding, &fact, at);
}

static bool add_slot(struct find_context *context, const struct ledger_slot *slot)
{
    struct line name = {.length = 0};
    line_add(&name, "T%llu", (unsigned long long)slot->serial);
    struct finding *finding = add(context, name.text, slot->fault_signal, slot->fault_pc);
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
    struct finding *finding = add(context, name.text, fault->signal, fault->pc);
    return finding && finding_add_slot(finding, &thread);
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
    const struct ledger_fault *fault = &ledger_get_header(evidence->ledger)->fault;
    return !fault_name(fault->signal) || add_other(context, fault);
}
