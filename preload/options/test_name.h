/* The name of the test that this program runs, from a variable that the test framework sets. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_TEST_NAME_H
#define THREADLEAK_PRELOAD_OPTIONS_TEST_NAME_H

#include <stddef.h>

/* out: the name, cut off if it does not fit; "": not known.  Must be called when the program
 * begins, before it can change its environment. */
void test_name_find(char *out, size_t size);

#endif
