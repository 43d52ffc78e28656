/* Libraries that were unloaded while threads ran in them. */
#include <signal.h>
#include <string.h>

#include "base/fault.h"
#include "base/path.h"
#include "find/unloaded.h"

const struct ledger_module *unloaded_module_of(const struct find_context *context, ledger_pc pc)
{
    return ledger_get_module(context->evidence->ledger, ledger_pc_module(pc));
}

const char *unloaded_name(const struct find_context *context, const struct ledger_module *module)
{
    const char *name = path_basename(ledger_get_string(context->evidence->ledger, module->path));
    return *name ? name : "a library";
}

bool unloaded_is_program(const struct find_context *context, const struct ledger_module *module)
{
    const struct ledger *ledger = context->evidence->ledger;
    const char *exe = ledger_get_string(ledger, ledger_get_header(ledger)->exe);
    return *exe && strcmp(exe, ledger_get_string(ledger, module->path)) == 0;
}

bool unloaded_is_gone_for(const struct find_context *context, const struct ledger_module *module, uint64_t id)
{
    return module->unloaded_serial > id && !unloaded_is_program(context, module);
}

const char *unloaded_signal(uint32_t signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ? fault_name(signal) : NULL;
}

bool unloaded_add_fact(struct finding *finding, const struct find_context *context,
                       const struct ledger_module *module)
{
    struct line fact = {.length = 0};
    if (!module->unloaded_at)
        return true;
    line_add(&fact, "%s was unloaded", unloaded_name(context, module));
    return finding_add_fact(finding, &fact, call_place(context, module->unloaded_at));
}
