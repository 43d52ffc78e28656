/* Recorded series of thread counts: which of them grow. tests/data/series has one a file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "series/series.h"
#include "series/site_growth.h"
#include "suite.h"

static struct series series;

/* The time of the first verdict; < 0: none. */
static double verdict_s;

/* The same counts as those of a site: the last of two, of which the first has no threads. */
static struct site_growths growths;
static bool site_grew;

static void begin(void)
{
    site_growths_release(&growths);
    site_grew = false;
    memset(&series, 0, sizeof(series));
    verdict_s = -1;
}

static void add_of(double at_s, uint64_t count, bool unjoined)
{
    struct growth_rules rules[GROWTH_RULES];
    growth_rules_set(rules, unjoined, 0);
    series_add(&series, at_s, count, rules);
    if (series.grows && verdict_s < 0)
        verdict_s = at_s;
}

static void add(double at_s, uint64_t count)
{
    struct site_count items[2] = {{.threads = {.joinable = 0}}, {.threads = {.joinable = count}}};
    const struct site_counts counts = {.items = items, .count = 2};
    add_of(at_s, count, false);
    site_grew |= site_growths_add(&growths, &counts, at_s) > 0;
}

/* The figures of threadleak-watch(1). */
static void print_delay(const char *name)
{
    if (verdict_s < 0)
        printf("series %s: no verdict in %" PRIu64 " s\n", name, (uint64_t)series.latest.at_s);
    else
        printf("series %s: verdict after %g s\n", name, verdict_s);
}

/* "grows|stays SECONDS", then lines of "TIME COUNT"; SECONDS: the verdict comes no later. */
static void judge_file(const char *name)
{
    char path[256], word[16], line[128];
    double most, at;
    unsigned long count;
    snprintf(path, sizeof(path), "tests/data/series/%s", name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    begin();
    ck_assert_int_eq(fscanf(file, "%15s %lf\n", word, &most), 2);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%lf %lu", &at, &count) == 2)
            add(at, count);
    fclose(file);
    ck_assert_msg(series.samples > 10, "%s", path);
    print_delay(name);
    if (strcmp(word, "grows") == 0)
        ck_assert_msg(verdict_s >= 0 && verdict_s <= most, "%s: %g", name, verdict_s);
    else
        ck_assert_msg(verdict_s < 0, "%s grows at %g", name, verdict_s);
    ck_assert_msg(site_grew == (strcmp(word, "grows") == 0), "%s as a site", name);
    site_growths_release(&growths);
}

static const char *const files[] = {"bells",  "busy_leak", "slow_leak", "late_leak",  "pool",
                                    "bursts", "saw",       "big_saw",   "slow_start", "connections"};

START_TEST(recorded_series)
{
    judge_file(files[_i]);
}
END_TEST

START_TEST(a_verdict_ends_when_the_count_falls)
{
    begin();
    for (int i = 0; i < 10; i++)
        add(i, 10u + 20u * (unsigned)i);
    ck_assert(series.grows);
    add(10, 10);
    ck_assert(!series.grows);
    for (int i = 0; i < 9; i++) /* up to the highest count before */
        add(11 + i, 10u + 20u * (unsigned)i);
    ck_assert(!series.grows);
    add(20, 200);
    ck_assert(series.grows);
}
END_TEST

START_TEST(a_verdict_ends_when_the_count_stays_as_long_as_it_rose)
{
    begin();
    for (int i = 0; i <= 10; i++)
        add(i, 20u * (unsigned)i);
    ck_assert(series.grows);
    for (int i = 11; i < 15; i++)
        add(i, 200);
    ck_assert(series.grows);
    for (int i = 15; i < 30; i++)
        add(i, 200);
    ck_assert(!series.grows);
}
END_TEST

START_TEST(half_as_many_unjoined_threads_are_enough)
{
    begin();
    for (int i = 0; i < 5; i++)
        add(i, 4u * (unsigned)i);
    ck_assert(!series.grows);
    begin();
    for (int i = 0; i < 5; i++)
        add_of(i, 4u * (unsigned)i, true);
    ck_assert(series.grows);
}
END_TEST

START_TEST(a_clock_that_jumps_back_is_ignored)
{
    begin();
    for (int i = 0; i < 5; i++)
        add(i, 100u * (unsigned)i);
    add(1, 5000);
    add(4, 5000);
    ck_assert_uint_eq(series.latest.count, 400);
    ck_assert(series_rate(&series) > 99 && series_rate(&series) < 101);
}
END_TEST

START_TEST(rates_and_times)
{
    begin();
    ck_assert(series_rate(&series) == 0 && series_doubling_s(&series) < 0);
    for (int i = 0; i <= 5; i++)
        add(i * 2, 100u + 20u * (unsigned)i);
    ck_assert(series.grows);
    ck_assert_double_eq(series.growth.per_s, 10);
    ck_assert_double_eq(series_doubling_s(&series), 20);
    ck_assert_double_eq(seconds_until(90, 100, 2), 5);
    ck_assert_double_eq(seconds_until(100, 100, 2), 0);
    ck_assert(seconds_until(90, 100, 0) < 0 && seconds_until(90, 100, -1) < 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("series");
    tcase_add_loop_test(tests, recorded_series, 0, sizeof(files) / sizeof(*files));
    tcase_add_test(tests, a_verdict_ends_when_the_count_falls);
    tcase_add_test(tests, a_verdict_ends_when_the_count_stays_as_long_as_it_rose);
    tcase_add_test(tests, half_as_many_unjoined_threads_are_enough);
    tcase_add_test(tests, a_clock_that_jumps_back_is_ignored);
    tcase_add_test(tests, rates_and_times);
    return suite_run("series", tests);
}
