/* What a run reads from its directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common/run_dir.h"
#include "cli/run/ledgers.h"
#include "common/run_protocol.h"
#include "ledger_fake.h"
#include "suite.h"

enum { GONE = 4194304, LEDGERS = 3 }; /* PID_MAX_LIMIT: no process has this pid */

static char directory[64];

static void setup(void)
{
    scratch_directory(directory, sizeof(directory));
    for (int i = 0; i < LEDGERS; i++) {
        char path[96];
        struct fake *fake = fake_new_small();
        fake_header(fake)->pid = GONE + i;
        fake_end(fake, LEDGER_END_EXIT, 0, true);
        snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.0", directory, GONE + i);
        fake_write(fake, path);
        fake_free(fake);
    }
}

static struct run_ledgers collect(size_t bytes)
{
    const struct run_collect how = {.directory = directory, .root = GONE, .ledger_bytes = bytes};
    struct run_ledgers ledgers;
    struct error error;
    ck_assert_msg(run_dir_collect(&how, &ledgers, &error), "%s", error.text);
    return ledgers;
}

START_TEST(all_ledgers)
{
    struct run_ledgers ledgers = collect(0);
    ck_assert_uint_eq(ledgers.count, LEDGERS);
    ck_assert(!ledgers.unreadable);
    run_ledgers_release(&ledgers);
}
END_TEST

/* A run does not pass as clean when a ledger was not kept. */
START_TEST(no_more_memory_than_allowed)
{
    struct run_ledgers ledgers = collect(0);
    size_t bytes = ledger_bytes(ledgers.items[0].ledger);
    run_ledgers_release(&ledgers);
    ledgers = collect(2 * bytes);
    ck_assert_uint_eq(ledgers.count, LEDGERS - 1);
    ck_assert(ledgers.unreadable);
    run_ledgers_release(&ledgers);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("collect");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, all_ledgers);
    tcase_add_test(tests, no_more_memory_than_allowed);
    return suite_run("run_collect", tests);
}
