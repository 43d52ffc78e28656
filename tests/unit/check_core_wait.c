/* What threads of a core waited for: nothing in /proc, and no clock of now, belongs to it. */
#include <string.h>

#include "core/core.h"
#include "core_child.h"
#include "suite.h"
#include "wait/wait.h"

static size_t count_texts(const struct waits *waits, size_t count, const char *text)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += wait_of(waits, i)->text && strcmp(wait_of(waits, i)->text, text) == 0;
    return found;
}

/* Of the waits for a semaphore of this name; a core does not record which memory is shared. */
static size_t count_shared(const struct waits *waits, size_t count, const char *symbol)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct wait *wait = wait_of(waits, i);
        found += wait->symbol && strcmp(wait->symbol, symbol) == 0 && wait->shared;
    }
    return found;
}

static void set_up(void)
{
    core_directory_make();
}

START_TEST(waits_of_a_core)
{
    struct error error = {""};
    struct snapshot *snapshot;
    const char *path = core_of(core_start(core_target("wait_until"), CORE_PLAIN), CORE_BY_GCORE, 0);
    if (!path)
        return; /* core_of has printed why */
    struct core_file *core = core_file_open(path, &error);
    ck_assert_msg(core, "%s", error.text);
    ck_assert_msg(snapshot_open_core(core, &snapshot, &error) == SNAPSHOT_OK, "%s", error.text);
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    struct symbolizer *symbolizer = symbolizer_new(false);
    ck_assert_ptr_nonnull(unwinder);
    const struct wait_context context = {
        .snapshot = snapshot, .unwinder = unwinder, .symbolizer = symbolizer};
    struct waits *waits = waits_new(&context, &error);
    ck_assert_msg(waits, "%s", error.text);
    ck_assert_uint_eq(snapshot->count, 4);
    ck_assert_uint_eq(count_texts(waits, 4, "semaphore tokens, no timeout"), 1);
    ck_assert_uint_eq(count_texts(waits, 4, "semaphore tokens, with a timeout"), 1);
    ck_assert_uint_eq(count_texts(waits, 4, "read of descriptor 100"), 1);
    ck_assert_uint_eq(count_shared(waits, 4, "of_processes"), 1);
    ck_assert_uint_eq(count_shared(waits, 4, "tokens"), 0);
    waits_free(waits);
    symbolizer_free(symbolizer);
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    core_file_close(core);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("core_wait");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, waits_of_a_core);
    return suite_run("core_wait", tests);
}
