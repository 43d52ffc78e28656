/* Threads that run in a library that was unloaded. */
#include "find/unloaded.h"

bool find_unloaded_code(struct find_context *context)
{
    return !context->evidence->ledger || (find_unloaded_stacks(context) && find_unloaded_starts(context));
}
