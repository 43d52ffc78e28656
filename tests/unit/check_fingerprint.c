/* What the identity of a leak depends on: leak/fingerprint.h. */
#include <check.h>
#include <string.h>

#include "leak/fingerprint.h"
#include "suite.h"

enum { FRAMES = 3 };

static struct frame stack[FRAMES], start;
static struct leak_group group;

/* main calls open_pool, which calls std::thread::thread<Job>. */
static void setup(void)
{
    stack[0] = (struct frame){.module = "/usr/lib/libstdc++.so.6.0.33",
                              .function = "std::thread::thread<Job>(Job&&)",
                              .runtime = true};
    stack[1] = (struct frame){.module = "/opt/libpool.so.1.2",
                              .function = "open_pool",
                              .file = "pool.cpp",
                              .line = 10,
                              .offset = 7};
    stack[2] = (struct frame){.module = "/bin/app", .function = "main", .file = "app.cpp", .line = 20};
    start = (struct frame){.module = "/bin/app", .function = "Job::run"};
    group = (struct leak_group){.kind = LEAK_RUNNING,
                                .stack = stack,
                                .stack_count = FRAMES,
                                .user_frame = &stack[1],
                                .start_routine = &start};
}

static const char *fingerprint(void)
{
    group_set_fingerprints(&group);
    return group.fingerprint;
}

static void another_version_of_the_library(void)
{
    stack[1].module = "/usr/lib/libpool.so.2";
}
static void another_runtime(void)
{
    stack[0].module = "/usr/lib/libc++.so.1";
    stack[0].function = "std::__1::thread::thread<Job, , 0>(Job&&)";
}
static void a_clone_of_the_compiler(void)
{
    stack[1].function = "open_pool.isra.0";
}
static void a_clone_as_demangled(void)
{
    stack[1].function = "open_pool [clone .part.1] [clone .cold]";
}
static void other_lines_and_addresses(void)
{
    stack[1].line = 11;
    stack[1].offset = 8;
}
static void a_thread_that_has_ended(void)
{
    group.kind = LEAK_UNJOINED;
}
static void (*const equal[])(void) = {another_version_of_the_library, another_runtime,
                                      a_clone_of_the_compiler,        a_clone_as_demangled,
                                      other_lines_and_addresses,      a_thread_that_has_ended};

START_TEST(is_equal)
{
    char before[17];
    strcpy(before, fingerprint());
    equal[_i]();
    ck_assert_str_eq(fingerprint(), before);
}
END_TEST

static void another_function(void)
{
    stack[1].function = "open_pools";
}
static void another_module(void)
{
    stack[1].module = "/opt/libpond.so.1.2";
}
static void another_caller(void)
{
    stack[2].function = "test_main";
}
static void another_template_argument(void)
{
    stack[0].function = "std::thread::thread<Task>(Task&&)";
}
static void another_start_routine(void)
{
    start.function = "Job::stop";
}
static void a_detached_thread(void)
{
    group.kind = LEAK_DETACHED;
}
static void another_address_without_symbols(void)
{
    stack[1].function = NULL;
}

static void (*const other[])(void) = {another_function,
                                      another_module,
                                      another_caller,
                                      another_template_argument,
                                      another_start_routine,
                                      a_detached_thread,
                                      another_address_without_symbols};

START_TEST(is_another)
{
    char before[17];
    strcpy(before, fingerprint());
    other[_i]();
    ck_assert_str_ne(fingerprint(), before);
}
END_TEST

START_TEST(the_start_routine_of_a_runtime_does_not_count)
{
    char before[17];
    start.runtime = true;
    strcpy(before, fingerprint());
    start.function = "execute_native_thread_routine";
    ck_assert_str_eq(fingerprint(), before);
}
END_TEST

START_TEST(recursion_counts_once)
{
    char before[17];
    strcpy(before, fingerprint());
    struct frame deep[] = {stack[0], stack[1], stack[1], stack[1], stack[2]};
    group.stack = deep;
    group.stack_count = 5;
    group.user_frame = &deep[1];
    ck_assert_str_eq(fingerprint(), before);
}
END_TEST

START_TEST(lines_of_callers_are_another_place)
{
    fingerprint();
    uint64_t before = group.place;
    fingerprint();
    ck_assert_uint_eq(group.place, before);
    stack[2].line++;
    fingerprint();
    ck_assert_uint_ne(group.place, before);
}
END_TEST

START_TEST(version_0_1_knew_neither_start_routine_nor_template_arguments)
{
    char before[17];
    fingerprint();
    strcpy(before, group.old_fingerprint);
    another_template_argument();
    another_start_routine();
    fingerprint();
    ck_assert_str_eq(group.old_fingerprint, before);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("fingerprint");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_loop_test(tests, is_equal, 0, sizeof(equal) / sizeof(*equal));
    tcase_add_loop_test(tests, is_another, 0, sizeof(other) / sizeof(*other));
    tcase_add_test(tests, the_start_routine_of_a_runtime_does_not_count);
    tcase_add_test(tests, recursion_counts_once);
    tcase_add_test(tests, lines_of_callers_are_another_place);
    tcase_add_test(tests, version_0_1_knew_neither_start_routine_nor_template_arguments);
    return suite_run("fingerprint", tests);
}
