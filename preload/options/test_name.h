/* The test that this program runs, where its framework names it in the environment. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_TEST_NAME_H
#define THREADLEAK_PRELOAD_OPTIONS_TEST_NAME_H

#include <stddef.h>

/*
 * Fills in the name, cut off where it does not fit; "": none is known.  Reads the
 * environment as it is now: to be called as the program begins, when nobody
 * changes it.  What the variable said when the process was started is what
 * started it, also where the framework has gone on to another test since.
 */
void test_name_find(char *out, size_t size);

#endif
