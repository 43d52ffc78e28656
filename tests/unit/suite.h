/* What every suite ends with, and what its tests may ask. */
#ifndef TL_TEST_SUITE_H
#define TL_TEST_SUITE_H

#include <check.h>

/* Run the tests; the status for main to return.  CK_RUN_CASE=NAME and CK_FORK=no are libcheck's.
 * Takes the tests over. */
int suite_run(const char *name, TCase *tests);

/* Print why a test cannot do its work here.  The test then returns; tests/all.py counts it as skipped. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often to repeat what fails by chance only: `often` under `make soak` (SOAK=1), else `seldom`. */
int repeats(int seldom, int often);

#endif
