/* The tests that the program names with threadleak_test(). */
#ifndef THREADLEAK_PRELOAD_LEDGER_TEST_H
#define THREADLEAK_PRELOAD_LEDGER_TEST_H

#include <stdbool.h>

#include "preload/shim/state.h"

/* From now on this test runs; NULL or "": none does. Without room for its name no test is known. */
void test_run(struct shim_state *state, const char *name);

/* The number of the test of a thread that the caller creates now; 0: none. shim_tls must be of this
 * process. */
uint32_t test_of_new_thread(const struct shim_state *state);

/* Is it known that this test began before the thread with the serial after `since` was created? */
bool test_began_before(const struct shim_state *state, uint32_t number, uint64_t since);

/* In a forked child: the test of the parent runs in it, too. */
void test_inherit(struct shim_state *state);

#endif
