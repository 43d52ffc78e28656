/*
 * Any bytes as a core file: opened, searched for a ledger, every thread unwound.  With
 * -DFUZZ_MAIN it runs over the files of its command line instead.  A real core to begin
 * from (a small one: `ulimit -s 64 -v 40960`) finds more than none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ledger_fake.h"
#include "core/core.h"
#include "unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unwind(const struct core_file *core)
{
    struct snapshot *snapshot;
    struct error error = {""};
    volatile uint64_t sum = 0;
    if (snapshot_open_core(core, &snapshot, &error) != SNAPSHOT_OK) {
        if (!error.text[0])
            abort();
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
    static int fd = -1;
    static char path[64];
    struct ledger *ledger;
    struct error error = {""};

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, (off_t)size) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    struct core_file *core = core_file_open(path, &error);
    if (!core) {
        if (!error.text[0] || strchr(error.text, '\n'))
            abort();
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

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
    static uint8_t data[1 << 26];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "re");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
}
#endif
