/* Check: two tests that leak, one that does not, and a fixture that leaks in a test of its own. */
#include <check.h>
#include <stdlib.h>

#include "leak.h"

START_TEST(first_leaks)
{
    leak();
}
END_TEST

START_TEST(second_leaks)
{
    leak();
}
END_TEST

START_TEST(leaks_nothing)
{
    leak_nothing();
}
END_TEST

static void fixture(void)
{
    leak();
}

int main(void)
{
    Suite *suite = suite_create("leaks");
    TCase *tests = tcase_create("tests"), *with_fixture = tcase_create("with fixture");
    tcase_add_test(tests, first_leaks);
    tcase_add_test(tests, second_leaks);
    tcase_add_test(tests, leaks_nothing);
    tcase_add_checked_fixture(with_fixture, fixture, NULL);
    tcase_add_test(with_fixture, leaks_nothing);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, with_fixture);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
