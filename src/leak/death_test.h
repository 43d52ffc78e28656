/* Death tests of GoogleTest: EXPECT_EXIT, EXPECT_DEATH and the like. */
#ifndef THREADLEAK_LEAK_DEATH_TEST_H
#define THREADLEAK_LEAK_DEATH_TEST_H

#include <stdbool.h>

#include "evidence/evidence.h"

/*
 * Is it the process in which a death test runs its statement?  It ends in the middle of a test on purpose, so
 * its threads are not leaks.  In the style "fast" it is a fork of the test program, and GoogleTest called
 * fork(); in the style "threadsafe" it is a new program with an argument that GoogleTest reserves. argv: of
 * the process, or NULL.
 */
bool is_death_test(const struct evidence *evidence, char *const *argv, struct symbolizer *symbolizer);

#endif
