/* The test that a process runs, by the variables that its framework has set. */
#ifndef THREADLEAK_LEAK_TEST_ENVIRONMENT_H
#define THREADLEAK_LEAK_TEST_ENVIRONMENT_H

/* variables: as in common/test_variables.h; hostile. NULL: not known, or out of memory; else to be freed. A
 * long name is cut off. */
char *test_of_environment(const char *variables);

#endif
