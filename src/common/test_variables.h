/*
 * The variables by which test frameworks name the test to its process, and where they document them. The shim
 * copies those that are set at the start of a program into the ledger, one "NAME=value" a line.
 * src/leak/test_environment.c makes a name of them.
 *
 *   pytest   doc "PYTEST_CURRENT_TEST": "file.py::test (call)", for each of setup, call, teardown
 *   bats     bats(7): BATS_TEST_FILENAME, and BATS_TEST_NAME, the description as the name of a function;
 *            BATS_TEST_DESCRIPTION is only in the shell, unless the test file exports it
 *   nextest  doc "Environment variables nextest sets": since 0.9.116, one process for each test
 *   scrut    doc "Environment Variables": "file.md:line"
 *   bazel    src/main/java/…/test/TestRunnerAction.java: the label of the target, not of a case in it; other
 *            tools use TEST_TARGET, too
 *
 * meson, CTest, automake and prove set no variable.
 */
#ifndef THREADLEAK_COMMON_TEST_VARIABLES_H
#define THREADLEAK_COMMON_TEST_VARIABLES_H

/* NUL-terminated strings in a row, with an empty one at the end: an array of pointers would cost each start
 * of a program the relocations. */
#define TEST_VARIABLES                                                                                    \
    "PYTEST_CURRENT_TEST\0BATS_TEST_FILENAME\0BATS_TEST_NAME\0BATS_TEST_DESCRIPTION\0NEXTEST_BINARY_ID\0" \
    "NEXTEST_TEST_NAME\0SCRUT_TEST\0TEST_TARGET\0TEST_SRCDIR\0"

#define TEST_VARIABLES_SIZE 1024 /* of all lines, with their NUL; the rest is cut off */

#endif
