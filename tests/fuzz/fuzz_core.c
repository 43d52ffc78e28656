/* Any bytes as a core file: opened, searched for a ledger, every thread unwound. */
#include "core/core.h"
#include "fuzz.h"
#include "ledger_fake.h"
#include "unwind/unwind.h"

static void unwind(const struct core_file *core)
{
    struct snapshot *snapshot;
    struct error error = {""};
    volatile uint64_t sum = 0;
    if (snapshot_open_core(core, &snapshot, &error) != SNAPSHOT_OK) {
        fuzz_check_error(error.text);
        return;
    }
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    for (size_t i = 0; unwinder && i < snapshot->count; i++) {
        const struct stack *stack = unwind_thread(unwinder, i);
        for (size_t j = 0; stack && j < stack->count; j++)
            sum += stack->frames[j].offset;
    }
    (void)sum;
    unwinder_free(unwinder);
    snapshot_free(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ledger *ledger;
    struct error error = {""};
    struct core_file *core = core_file_open(fuzz_file(data, size, NULL), &error);
    if (!core) {
        fuzz_check_error(error.text);
        return 0;
    }
    if (ledger_open_core(core, &ledger, &error) == LEDGER_OPEN_OK) {
        volatile uint64_t sum = fake_walk(ledger);
        (void)sum;
    }
    ledger_close(ledger);
    unwind(core);
    core_file_close(core);
    return 0;
}
