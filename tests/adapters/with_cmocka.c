/* The same with cmocka: one test leaks, one cleans up in its teardown, one ignores. */
#include <threadleak/cmocka.h>
#include <unistd.h>

static pthread_t fixture_thread;
static int gate[2];

static void *wait_for_gate(void *arg)
{
    char byte;
    (void)!read(gate[0], &byte, 1);
    return arg;
}

static void *pause_forever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static int fixture_setup(void **state)
{
    *state = &fixture_thread;
    return pipe(gate) != 0 || pthread_create(&fixture_thread, NULL, wait_for_gate, NULL) != 0;
}

static int fixture_teardown(void **state)
{
    close(gate[1]);
    return *state != &fixture_thread || pthread_join(fixture_thread, NULL) != 0;
}

static void leave_one(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, pause_forever, NULL), 0);
}

static void clean_before(void **state)
{
    assert_ptr_equal(*state, &fixture_thread);
}

static void leaks(void **state)
{
    assert_null(*state);
    leave_one();
}

static void ignores(void **state)
{
    (void)state;
    threadleak_test_options("ignore_creator=leave_one");
    leave_one();
}

static void clean_after(void **state)
{
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clean_before, fixture_setup, fixture_teardown),
        cmocka_unit_test(leaks),
        cmocka_unit_test(ignores),
        cmocka_unit_test(clean_after),
    };
    threadleak_group_options("grace_ms=50");
    return threadleak_run_group_tests(tests, NULL, NULL);
}
