/* Variables that several threads get the address of, and which change in between. */
#include "suite.h"
#include "preload/ledger/argument.h"
#include "writer_made.h"

static uint32_t site;

/* The record of a thread that gets this argument. during: is called in the creation. */
static struct ledger_slot *create(void *argument, void (*during)(void *))
{
    struct new_thread thread = {.site = site, .start = 1, .arg = (uint64_t)argument};
    thread.passed = argument_passed(&state, thread.arg);
    struct ledger_slot *slot = thread_new(&state, &thread);
    argument_slot(&thread.passed, slot);
    if (during)
        during(argument);
    thread_created(&state, &thread);
    return slot;
}

static void begin(struct ledger_slot *slot)
{
    atomic_fetch_or(&slot->state, SLOT_STARTED);
}

static bool is_changed(const struct ledger_slot *slot)
{
    return atomic_load(&slot->state) & SLOT_ARGUMENT_CHANGED;
}

static void increment(void *number)
{
    ++*(int *)number;
}

START_TEST(variable_of_a_loop)
{
    site = make_site();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(is_changed(create(&i, NULL)), i > 0);
}
END_TEST

START_TEST(only_the_last_two_had_not_begun)
{
    site = make_site();
    int i = 0;
    begin(create(&i, NULL));
    i++;
    ck_assert(!is_changed(create(&i, NULL)));
    i++;
    ck_assert(is_changed(create(&i, NULL)));
}
END_TEST

START_TEST(a_loop_that_waits_until_the_thread_has_begun)
{
    site = make_site();
    for (int i = 0; i < 3; i++) {
        struct ledger_slot *slot = create(&i, NULL);
        ck_assert(!is_changed(slot));
        begin(slot);
    }
}
END_TEST

START_TEST(the_threads_change_it_too)
{
    site = make_site();
    int count = 0;
    begin(create(&count, NULL));
    create(&count, increment);
    increment(&count);
    ck_assert(!is_changed(create(&count, NULL)));
}
END_TEST

START_TEST(it_does_not_change)
{
    site = make_site();
    int value = 0;
    for (int i = 0; i < 3; i++)
        ck_assert(!is_changed(create(&value, NULL)));
}
END_TEST

START_TEST(no_variable_on_the_stack)
{
    static int number;
    site = make_site();
    for (number = 0; number < 3; number++) {
        ck_assert(!is_changed(create(&number, NULL)));
        ck_assert(!is_changed(create((void *)(uintptr_t)number, NULL)));
    }
}
END_TEST

/* The record of its last thread is in the memory of the parent. */
START_TEST(a_forked_child)
{
    site = make_site();
    int i = 0;
    create(&i, NULL);
    i++;
    state.epoch++;
    ck_assert(!is_changed(create(&i, NULL)));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("argument");
    tcase_add_checked_fixture(tests, writer_begin, writer_finish);
    tcase_add_test(tests, variable_of_a_loop);
    tcase_add_test(tests, only_the_last_two_had_not_begun);
    tcase_add_test(tests, a_loop_that_waits_until_the_thread_has_begun);
    tcase_add_test(tests, the_threads_change_it_too);
    tcase_add_test(tests, it_does_not_change);
    tcase_add_test(tests, no_variable_on_the_stack);
    tcase_add_test(tests, a_forked_child);
    return suite_run("ledger_write_argument", tests);
}
