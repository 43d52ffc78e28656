/* cmocka: tests whose names say so, one whose name does not, and a fixture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leak.h"

static void test_leaks(void **state)
{
    (void)state;
    leak();
}

static void leaks_as_well(void **state)
{
    (void)state;
    leak();
}

static int test_setup(void **state)
{
    (void)state;
    leak();
    return 0;
}

static void test_leaks_nothing(void **state)
{
    (void)state;
    leak_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaks),
        cmocka_unit_test(leaks_as_well),
        cmocka_unit_test_setup(test_leaks_nothing, test_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
