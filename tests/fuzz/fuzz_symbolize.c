/* Any bytes as an ELF file with debug information: functions, lines, variables. */
#include <string.h>

#include "fuzz.h"
#include "symbolize/symbolize.h"

static size_t walk(struct symbolizer *symbolizer, const struct code_address *address)
{
    size_t sum = 0;
    uint64_t into;
    const struct frame_list *list = symbolize(symbolizer, address);
    for (size_t i = 0; list && i < list->count; i++)
        sum += strlen(list->frames[i].function ? list->frames[i].function : "") +
               strlen(list->frames[i].file ? list->frames[i].file : "");
    const char *variable = symbolize_data(symbolizer, address, &into);
    return sum + (variable ? strlen(variable) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t offsets[] = {0,      1,      0x40,   0x1000, 0x1008, 0x1010,
                                       0x1020, 0x1100, 0x2000, 0x4000, 0x4008, ~0ull};
    const char *path = fuzz_file(data, size, NULL);
    struct symbolizer *symbolizer = symbolizer_new(false);
    volatile size_t sum = 0;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
        sum += walk(symbolizer, &(struct code_address){.module = path, .offset = offsets[i]});
    symbolizer_free(symbolizer);
    (void)sum;
    return 0;
}
