/* A report as a list of tests. Each process is one. After it comes one for each known test in which the
 * process created threads that are reported. Each fact that belongs to no process is one, too. */
#ifndef THREADLEAK_REPORT_CI_TEST_POINTS_H
#define THREADLEAK_REPORT_CI_TEST_POINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/model.h"

struct test_point {
    char *name;                           /* unique: the second of a name ends with " (2)" */
    const struct process_report *process; /* NULL: the test is the run, or a program that was not watched */
    const char *test;          /* of the process; NULL: what belongs to no test with its own item */
    const char *program;       /* the program that was not watched; NULL: none, or not known */
    struct leak_group *groups; /* of the process, with only the threads that belong to it */
    size_t group_count;
    size_t failures;   /* counted groups; of the process also findings of --fail-on that none of them has */
    char *error;       /* why the whole test failed (the timeout), or NULL */
    char *skipped;     /* why it has no result; or NULL */
    unsigned numbered; /* number of others with its name */
};

struct test_points {
    struct test_point *items; /* at least one */
    size_t count;
    size_t failures, errors, skipped; /* number of items with each */
};

/* False: out of memory.  Release it either way. */
bool test_points_make(struct test_points *points, const struct report *report);
void test_points_release(struct test_points *points);

#endif
