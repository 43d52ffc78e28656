/* Any bytes as a ledger. With FUZZ_SEED=FILE in the environment it writes a small valid one to begin from. */
#include <stdlib.h>

#include "fuzz.h"
#include "ledger_fake.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (!getenv("FUZZ_SEED"))
        return 0;
    struct fake *fake = fake_new_small();
    uint32_t app = fake_module(fake, "/usr/bin/app", "\1\2\3\4", 4);
    uint32_t site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1234), fake_pc(app, 0x999)}, 2);
    fake_argv(fake, (const char *const[]){"./app", "-v", NULL});
    fake_thread(fake, &(struct fake_thread){.site = site, .state = SLOT_STARTED, .tid = 7, .name = "worker"});
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    fake_write(fake, getenv("FUZZ_SEED"));
    fake_free(fake);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ledger *ledger;
    struct error error = {""};
    if (ledger_open_file(fuzz_file(data, size, NULL), &ledger, &error) == LEDGER_OPEN_OK) {
        volatile uint64_t sum = fake_walk(ledger);
        (void)sum;
    } else {
        fuzz_check_error(error.text);
    }
    ledger_close(ledger);
    return 0;
}
