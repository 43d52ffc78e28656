#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libcheck's own 4 s for a test are too few on a busy machine: no test here measures by them. */
__attribute__((constructor)) static void allow_time(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "300", 0);
}

/* ---- files of tests --------------------------------------------------------------------- */

static char scratch[64];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static void scratch_remove(void)
{
    nftw(scratch, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A child that waits until this process and its tests are gone, which a signal can end at any time. */
static void scratch_remove_after_all(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    if (fork() == 0) {
        char byte;
        setsid();
        close(ends[1]);
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
            ;
        scratch_remove();
        _exit(0);
    }
    close(ends[0]);
}

static void scratch_make(void)
{
    strcpy(scratch, "/tmp/threadleak-unit.XXXXXX");
    if (!mkdtemp(scratch) || chmod(scratch, 0711) != 0) {
        perror(scratch);
        exit(EXIT_FAILURE);
    }
    scratch_remove_after_all();
}

void scratch_directory(char *path, size_t size)
{
    ck_assert_uint_lt((size_t)snprintf(path, size, "%s/XXXXXX", scratch), size);
    ck_assert_ptr_nonnull(mkdtemp(path));
}

const char *scratch_of_suite(void)
{
    return scratch;
}

/* ---- the suite ---------------------------------------------------------------------------- */

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
    scratch_make();
    srunner_run_all(runner, CK_ENV);
    scratch_remove();
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
