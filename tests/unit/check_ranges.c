#include <stdlib.h>

#include "symbolize/ranges.h"
#include "suite.h"

static struct ranges ranges;

static void teardown(void)
{
    ranges_release(&ranges);
}

static void add(struct range range)
{
    ck_assert(ranges_add(&ranges, &range));
}

/* The value at an address, 0: none. */
static uint64_t at(uint64_t address)
{
    const struct range *range = ranges_find(&ranges, address);
    return range ? range->value : 0;
}

START_TEST(none)
{
    ck_assert_uint_eq(at(0), 0);
    ck_assert_uint_eq(at(UINT64_MAX), 0);
}
END_TEST

START_TEST(the_end_is_outside)
{
    add((struct range){.low = 20, .high = 30, .value = 2});
    add((struct range){.low = 10, .high = 20, .value = 1});
    ck_assert_uint_eq(at(9), 0);
    ck_assert_uint_eq(at(10), 1);
    ck_assert_uint_eq(at(19), 1);
    ck_assert_uint_eq(at(20), 2);
    ck_assert_uint_eq(at(30), 0);
}
END_TEST

START_TEST(inner_ranges_hide_outer_ones)
{
    add((struct range){.low = 10, .high = 100, .value = 1});
    add((struct range){.low = 20, .high = 30, .value = 2});
    add((struct range){.low = 22, .high = 24, .value = 3});
    ck_assert_uint_eq(at(23), 3);
    ck_assert_uint_eq(at(25), 2);
    ck_assert_uint_eq(at(50), 1);
    ck_assert_uint_eq(at(100), 0);
}
END_TEST

START_TEST(rank_decides_then_length)
{
    add((struct range){.low = 10, .high = 30, .value = 1, .rank = 2});
    add((struct range){.low = 10, .high = 20, .value = 2, .rank = 1});
    add((struct range){.low = 40, .high = 60, .value = 3});
    add((struct range){.low = 40, .high = 50, .value = 4});
    ck_assert_uint_eq(at(15), 1);
    ck_assert_uint_eq(at(45), 4);
    ck_assert_uint_eq(at(55), 3);
}
END_TEST

START_TEST(open_ranges_end_where_the_next_begins)
{
    add((struct range){.low = 10, .high = 100, .value = 1, .open = true});
    add((struct range){.low = 10, .high = 100, .value = 1, .open = true});
    add((struct range){.low = 20, .high = 30, .value = 2});
    add((struct range){.low = 40, .high = 60, .value = 3, .open = true});
    ck_assert_uint_eq(at(19), 1);
    ck_assert_uint_eq(at(35), 0);
    ck_assert_uint_eq(at(59), 3);
    ck_assert_uint_eq(at(60), 0);
}
END_TEST

START_TEST(what_is_empty_is_left_out)
{
    add((struct range){.low = 10, .high = 10, .value = 1});
    add((struct range){.low = 10, .high = 5, .value = 1});
    ck_assert_uint_eq(at(10), 0);
    ck_assert_uint_eq(ranges.count, 0);
}
END_TEST

START_TEST(added_after_a_search)
{
    for (uint64_t i = 1000; i > 0; i--) {
        add((struct range){.low = 10 * i, .high = 10 * i + 5, .value = i});
        ck_assert_uint_eq(at(10 * i + 4), i);
        ck_assert_uint_eq(at(10 * i + 5), 0);
        ck_assert_uint_eq(at(10004), 1000);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ranges");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, none);
    tcase_add_test(tests, the_end_is_outside);
    tcase_add_test(tests, inner_ranges_hide_outer_ones);
    tcase_add_test(tests, rank_decides_then_length);
    tcase_add_test(tests, open_ranges_end_where_the_next_begins);
    tcase_add_test(tests, what_is_empty_is_left_out);
    tcase_add_test(tests, added_after_a_search);
    return suite_run("ranges", tests);
}
