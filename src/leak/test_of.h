/* Finds the test in which a thread was created, from its creation stack. */
#ifndef THREADLEAK_LEAK_TEST_OF_H
#define THREADLEAK_LEAK_TEST_OF_H

#include <stddef.h>

#include "symbolize/symbolize.h"

/*
 * Frames are leaf first. The name is the one that the framework prints, if the names of functions show it:
 *
 *   GoogleTest   Suite.Name; of Suite_Name_Test with more than one possible place to
 *                divide it: Suite_Na_me
 *   Check        name of START_TEST(name)
 *   cmocka       the test function; fixtures are called in the same way, so only one that
 *                is called test... or ...test and not as fixtures are
 *   GLib         likewise, the function and not the path of g_test_add_func
 *   Unity        the test function
 *   Boost.Test   suite/name
 *   libtest      Rust's: tests::name
 *
 * Catch2 and doctest number their functions: nothing is known.  The same is true where
 * the compiler made the call of the leaf a jump (-O2, last statement of the test);
 * of tests with the same code, which it may have merged, one is named.
 * NULL: not known, or out of memory; else to be freed.
 */
char *test_of_stack(const struct frame *frames, size_t count);

#endif
