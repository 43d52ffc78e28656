/* What every suite ends with, and what its tests may ask. */
#ifndef TL_TEST_SUITE_H
#define TL_TEST_SUITE_H

#include <check.h>
#include <stddef.h>

/* Run the tests; the status for main to return.  Takes the tests over. */
int suite_run(const char *name, TCase *tests);

/* What tcase_add_test and its kin call: TEST=NAME in the environment adds that test alone.  libcheck itself
 * chooses whole cases only. */
void suite_add_test(TCase *tests, const TTest *test, int signal, int status, int start, int end);
#define _tcase_add_test suite_add_test

/* Print why a test cannot do its work here.  The test then returns; tests/all.py counts it as skipped. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Make a directory, and write its path. suite_run removes it, also if the test failed or was killed. */
void scratch_directory(char *path, size_t size);

/* The directory in which these are, for what the tests of a suite share. */
const char *scratch_of_suite(void);

/* How often to repeat what fails by chance only: `often` under `make soak` (SOAK=1), else `seldom`. */
int repeats(int seldom, int often);

#endif
