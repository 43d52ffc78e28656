/* Any bytes as the records of execs of a run. */
#include <string.h>

#include "cli/run/exec_records.h"
#include "fuzz.h"
#include "common/run_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exec_records records;
    volatile size_t sum = 0;
    if (exec_records_read(&records, fuzz_directory(LEDGER_EXECS_FILE, data, size)))
        for (size_t i = 0; i < records.count; i++)
            sum += strlen(records.items[i].directory) + strlen(records.items[i].path);
    exec_records_free(&records);
    (void)sum;
    return 0;
}
