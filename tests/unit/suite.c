#include "suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcheck's own 4 s for a test are too few on a busy machine: no test here measures by them. */
__attribute__((constructor)) static void allow_time(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "300", 0);
}

static const char *chosen_test(void)
{
    const char *name = getenv("TEST"), *test_case = getenv("CK_RUN_CASE");
    return name && *name ? name : test_case ? test_case : "at all";
}

int suite_run(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    if (!run)
        fprintf(stderr, "%s: no test %s\n", name, chosen_test());
    return failed || !run ? EXIT_FAILURE : EXIT_SUCCESS;
}

#undef _tcase_add_test
void suite_add_test(TCase *tests, const TTest *test, int signal, int status, int start, int end)
{
    const char *only = getenv("TEST");
    if (!only || !*only || strcmp(only, test->name) == 0)
        _tcase_add_test(tests, test, signal, status, start, end);
}

void skip(const char *format, ...)
{
    char why[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    fprintf(stderr, "skipped: %s\n", why);
}

int repeats(int seldom, int often)
{
    const char *soak = getenv("SOAK");
    return soak && strcmp(soak, "1") == 0 ? often : seldom;
}
