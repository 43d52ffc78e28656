/* The exposition of metrics, of made-up processes. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "leak/model.h"
#include "report/metrics/metrics.h"
#include "suite.h"

enum { SITES_MAX = 200 };

static struct site_count items[SITES_MAX];
static struct leak_group places[SITES_MAX];
static struct frame frames[SITES_MAX];
static struct site_counts counts;
static struct metrics_process process;
static char *printed;

static void add_site(const char *fingerprint, const char *function, int line, uint64_t joinable)
{
    size_t i = counts.count++;
    frames[i] =
        (struct frame){.function = function, .file = "/src/pool.c", .line = line, .module = "/bin/app"};
    places[i] = (struct leak_group){.stack = &frames[i], .stack_count = 1, .user_frame = &frames[i]};
    items[i] =
        (struct site_count){.place = &places[i], .threads = {.created = joinable, .joinable = joinable}};
    snprintf(items[i].fingerprint, sizeof(items[i].fingerprint), "%s", fingerprint);
    counts.total.joinable += joinable;
}

static void begin(void)
{
    counts = (struct site_counts){.items = items, .watched = true};
    process = (struct metrics_process){
        .pid = 42, .exe = "/bin/app", .sites = &counts, .stack_reserved = -1, .stack_resident = -1};
    printed = NULL;
}

static void print(enum metrics_syntax syntax, size_t processes)
{
    struct text_buffer buffer;
    free(printed);
    ck_assert_ptr_nonnull(text_open(&buffer));
    ck_assert(metrics_print(buffer.out, &process, processes, syntax));
    printed = text_close(&buffer);
}

static void end(void)
{
    free(printed);
}

static void has(const char *line)
{
    ck_assert_msg(strstr(printed, line) != NULL, "no %s in\n%s", line, printed);
}

static void has_not(const char *text)
{
    ck_assert_msg(strstr(printed, text) == NULL, "%s in\n%s", text, printed);
}

static int count_of(const char *text)
{
    int count = 0;
    for (const char *at = printed; (at = strstr(at, text)); at++)
        count++;
    return count;
}

#define PROCESS "pid=\"42\",exe=\"/bin/app\"} "

START_TEST(counts_are_those_of_the_process)
{
    add_site("00ff", "serve", 7, 3);
    counts.total = (struct site_threads){.created = 9,
                                         .joined = 2,
                                         .detached = 4,
                                         .ended = 5,
                                         .joinable = 3,
                                         .alive_detached = 1,
                                         .unjoined = 6,
                                         .untracked = 8};
    counts.total.failed[FAIL_ENOMEM] = 2;
    print(METRICS_TEXT, 1);
    has("# TYPE threadleak_threads gauge\nthreadleak_threads{state=\"joinable\"," PROCESS "3\n");
    has("\nthreadleak_threads{state=\"detached\"," PROCESS "1\n");
    has("\nthreadleak_threads{state=\"unjoined\"," PROCESS "6\n");
    has("\nthreadleak_threads{state=\"untracked\"," PROCESS "8\n");
    has("# TYPE threadleak_threads_created_total counter\nthreadleak_threads_created_total{" PROCESS "9\n");
    has("\nthreadleak_threads_joined_total{" PROCESS "2\n");
    has("\nthreadleak_threads_detached_total{" PROCESS "4\n");
    has("\nthreadleak_threads_ended_total{" PROCESS "5\n");
    has("\nthreadleak_create_failures_total{error=\"EAGAIN\"," PROCESS "0\n");
    has("\nthreadleak_create_failures_total{error=\"ENOMEM\"," PROCESS "2\n");
    has("\nthreadleak_site_threads{site=\"00ff\",function=\"serve\",file=\"/src/"
        "pool.c\",line=\"7\",state=\"joinable\"," PROCESS "3\n");
    has("\nthreadleak_build_info{version=\"" THREADLEAK_VERSION "\"," PROCESS "1\n");
    has_not("# EOF");
    has_not("EINVAL");
    has_not("state=\"detached\",pid=\"42\",exe=\"/bin/app\"} 0");
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
    counts.watched = false;
    counts.total.untracked = 4;
    process.exe = NULL;
    print(METRICS_TEXT, 1);
    has("\nthreadleak_threads{state=\"untracked\",pid=\"42\",exe=\"\"} 4\n");
    has_not("state=\"joinable\"");
    has_not("threadleak_threads_created_total{");
    has_not("threadleak_create_failures_total{");
    has_not("threadleak_thread_age_seconds_bucket{");
    has_not("threadleak_stack_bytes{");
    has_not("threadleak_findings{");
}
END_TEST

START_TEST(stacks_limits_and_findings)
{
    process.stack_reserved = 8392704;
    process.limits[0] = (struct metrics_limit){"pids.max", 512, 80};
    process.limits[1] = (struct metrics_limit){"RLIMIT_NPROC", 1000, -1};
    process.limit_count = 2;
    process.findings[FINDING_DEADLOCK][FINDING_PROVED] = 2;
    print(METRICS_TEXT, 1);
    has("\nthreadleak_stack_bytes{kind=\"reserved\"," PROCESS "8392704\n");
    has_not("kind=\"resident\"");
    has("\nthreadleak_thread_limit{limit=\"pids.max\"," PROCESS "512\n");
    has("\nthreadleak_thread_limit_used{limit=\"pids.max\"," PROCESS "80\n");
    has("\nthreadleak_thread_limit{limit=\"RLIMIT_NPROC\"," PROCESS "1000\n");
    has_not("threadleak_thread_limit_used{limit=\"RLIMIT_NPROC\"");
    has("\nthreadleak_findings{code=\"deadlock\",level=\"proved\"," PROCESS "2\n");
    ck_assert_int_eq(count_of("\nthreadleak_findings{"), 1);
}
END_TEST

START_TEST(ages_are_a_histogram)
{
    const double ages[] = {-1, 0, 1, 1.5, 60, 61, 1e9};
    for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++)
        metrics_ages_add(&process.ages, ages[i]);
    print(METRICS_TEXT, 1);
    has("# TYPE threadleak_thread_age_seconds "
        "histogram\nthreadleak_thread_age_seconds_bucket{le=\"1.0\"," PROCESS "2\n");
    has("\nthreadleak_thread_age_seconds_bucket{le=\"10.0\"," PROCESS "3\n");
    has("\nthreadleak_thread_age_seconds_bucket{le=\"60.0\"," PROCESS "4\n");
    has("\nthreadleak_thread_age_seconds_bucket{le=\"600.0\"," PROCESS "5\n");
    has("\nthreadleak_thread_age_seconds_bucket{le=\"2592000.0\"," PROCESS "5\n");
    has("\nthreadleak_thread_age_seconds_bucket{le=\"+Inf\"," PROCESS "6\n");
    has("\nthreadleak_thread_age_seconds_sum{" PROCESS "1000000123.500\n");
    has("\nthreadleak_thread_age_seconds_count{" PROCESS "6\n");
}
END_TEST

START_TEST(labels_are_escaped)
{
    process.exe = "/bin/a\"b\\c\nd\x1b[2J\xff\xc2\x9b";
    add_site("01", "operator\"\" _x", 1, 1);
    print(METRICS_TEXT, 1);
    has("exe=\"/bin/a\\\"b\\\\c\\\\x0ad\\\\x1b[2J\\\\xff\\\\xc2\\\\x9b\"} 1\n");
    has("function=\"operator\\\"\\\" _x\"");
}
END_TEST

/* Two series with the same labels would be an error of the whole exposition. */
START_TEST(sites_with_equal_labels_are_one)
{
    add_site("01", "serve", 7, 3);
    add_site("02", "serve", 7, 1);
    add_site("01", "serve", 7, 4);
    add_site("01", "serve", 8, 1);
    add_site("03", "idle", 9, 0);
    print(METRICS_TEXT, 1);
    has("{site=\"01\",function=\"serve\",file=\"/src/pool.c\",line=\"7\",state=\"joinable\"," PROCESS "7\n");
    ck_assert_int_eq(count_of("\nthreadleak_site_threads{"), 3);
}
END_TEST

START_TEST(small_sites_are_one)
{
    char fingerprint[17];
    for (int i = 0; i < 60; i++) {
        snprintf(fingerprint, sizeof(fingerprint), "%02d", i);
        add_site(fingerprint, "serve", i + 1, (uint64_t)i + 1);
    }
    print(METRICS_TEXT, 1);
    ck_assert_int_eq(count_of("\nthreadleak_site_threads{"), METRICS_SITES + 1);
    has("{site=\"59\",");
    has("{site=\"10\",");
    has_not("{site=\"09\",");
    has("\nthreadleak_site_threads{site=\"other\",function=\"\",file=\"\",line=\"\",state="
        "\"joinable\"," PROCESS "55\n");
}
END_TEST

START_TEST(open_metrics_names_families_without_suffixes)
{
    print(METRICS_OPEN, 1);
    has("# TYPE threadleak_threads_created counter\nthreadleak_threads_created_total{" PROCESS "0\n");
    has("# TYPE threadleak_create_failures counter\nthreadleak_create_failures_total{");
    has("# TYPE threadleak_build info\nthreadleak_build_info{");
    ck_assert_str_eq(printed + strlen(printed) - 6, "# EOF\n");
    ck_assert_int_eq(count_of("# EOF"), 1);
    print(METRICS_OPEN, 0);
    has("\nthreadleak_build_info{version=\"" THREADLEAK_VERSION "\"} 1\n# EOF\n");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("metrics");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, counts_are_those_of_the_process);
    tcase_add_test(tests, what_is_not_known_is_left_out);
    tcase_add_test(tests, stacks_limits_and_findings);
    tcase_add_test(tests, ages_are_a_histogram);
    tcase_add_test(tests, labels_are_escaped);
    tcase_add_test(tests, sites_with_equal_labels_are_one);
    tcase_add_test(tests, small_sites_are_one);
    tcase_add_test(tests, open_metrics_names_families_without_suffixes);
    return suite_run("metrics", tests);
}
