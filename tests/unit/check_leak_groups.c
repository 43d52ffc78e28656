/* Threads in groups: of one kind, of one site, counted or suppressed. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "leak_made.h"
#include "suite.h"

/* Places of its code: two of one line, and one of the next. */
__attribute__((noinline)) static void third_user_function(void)
{
    __asm__ volatile("nop; .Lcall_one: nop; nop; nop; nop; .Lcall_two: nop; nop" ::: "memory");
    __asm__ volatile("nop; .Lcall_below: nop; nop" ::: "memory");
}
extern const char call_one[] __asm__(".Lcall_one"), call_two[] __asm__(".Lcall_two"),
    call_below[] __asm__(".Lcall_below");
/* Of a runtime's function at the end of this file: two of its lines. */
extern const char runtime_one[] __asm__(".Lruntime_one"), runtime_two[] __asm__(".Lruntime_two");

static ledger_pc pc_at(const char *place)
{
    return pc_in((void (*)(void))(uintptr_t)place);
}

/* Within a function of a library, as far behind its beginning. */
static ledger_pc pc_in_library(const char *function, uint64_t offset)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, function);
    ck_assert_msg(address && dladdr(address, &info), "%s", function);
    uint32_t module = fake_module(fake, info.dli_fname, NULL, 0);
    return fake_pc(module, (uint64_t)address - (uint64_t)info.dli_fbase + offset);
}

static void load_rule(const char *rule)
{
    char path[] = "/tmp/check_leak.XXXXXX";
    struct error error;
    FILE *file = fdopen(mkstemp(path), "w");
    fprintf(file, "%s\n", rule);
    fclose(file);
    ck_assert_msg(suppressions_load(leak_suppressions, path, &error), "%s", error.text);
    unlink(path);
}

static void add_thread_of(uint32_t site, uint32_t test)
{
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .test = test});
}

START_TEST(each_thread_has_its_test)
{
    uint32_t one = site_at(0x100), two = site_at(0x200), first = fake_test(fake, "In/Pool.Leaks/0");
    add_thread_of(one, first);
    uint32_t second = fake_test(fake, "In/Pool.Leaks/1");
    add_thread_of(one, second);
    add_thread_of(two, second);
    add_thread_of(two, second + (1u << LEDGER_TEST_BITS)); /* the record was used for another test */
    uint32_t torn = fake_test(fake, "In/Pool.Leaks/2");
    fake_test_at(fake, ledger_test_index(torn))->name[0] = 'i';
    add_thread_of(two, torn);
    add_thread_of(two, UINT32_MAX);

    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    const struct leak_group *of_two = &process->groups[0], *of_one = &process->groups[1];
    ck_assert_str_eq(of_one->threads[0].test, "In/Pool.Leaks/0");
    ck_assert_str_eq(of_one->threads[1].test, "In/Pool.Leaks/1");
    ck_assert_ptr_null(of_one->test);
    ck_assert_str_eq(of_two->threads[0].test, "In/Pool.Leaks/1");
    for (int i = 1; i < 4; i++)
        ck_assert_ptr_null(of_two->threads[i].test);
}
END_TEST

START_TEST(a_rule_for_one_test_of_a_site)
{
    uint32_t site = site_at(0x100);
    add_thread_of(site, fake_test(fake, "In/Pool.Leaks/0"));
    add_thread_of(site, fake_test(fake, "In/Pool.Leaks/1"));
    load_rule("test:In/Pool.Leaks/1");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    ck_assert_ptr_null(process->groups[0].suppressed_by);
    ck_assert_str_eq(process->groups[0].test, "In/Pool.Leaks/0");
    ck_assert_ptr_nonnull(process->groups[1].suppressed_by);
    ck_assert_str_eq(process->groups[1].test, "In/Pool.Leaks/1");
}
END_TEST

START_TEST(a_group_is_a_kind_of_a_site)
{
    uint32_t one = site_at(0x100), two = site_at(0x200);
    add_thread(one, ALIVE);                 /* 2 */
    add_thread(two, ALIVE);                 /* 3 */
    add_thread(one, ENDED);                 /* 4 */
    add_thread(two, ALIVE | SLOT_DETACHED); /* 5 */
    add_thread(two, ALIVE);                 /* 6 */
    add_thread(one, ENDED);                 /* 7 */
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 4);

    static const struct {
        enum leak_kind kind;
        size_t count;
        uint64_t ids[2];
    } expected[] = {{LEAK_RUNNING, 2, {3, 6}},
                    {LEAK_RUNNING, 1, {2}},
                    {LEAK_DETACHED, 1, {5}},
                    {LEAK_UNJOINED, 2, {4, 7}}};
    for (size_t i = 0; i < 4; i++) {
        const struct leak_group *group = &process->groups[i];
        ck_assert_int_eq(group->kind, expected[i].kind);
        ck_assert_uint_eq(group->thread_count, expected[i].count);
        for (size_t j = 0; j < group->thread_count; j++)
            ck_assert_uint_eq(group->threads[j].id, expected[i].ids[j]);
    }
    ck_assert_uint_eq(process->groups[0].site, process->groups[2].site);
    ck_assert_uint_eq(process->groups[1].site, process->groups[3].site);
    ck_assert_uint_ne(process->groups[0].site, process->groups[1].site);
    ck_assert(process->groups[0].first_of_site && process->groups[1].first_of_site);
    ck_assert(!process->groups[2].first_of_site && !process->groups[3].first_of_site);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 6);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 2);
}
END_TEST

START_TEST(records_of_one_stack_are_one_site)
{
    uint32_t one = site_at(0x100), same = site_at(0x100), longer;
    longer = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x100), fake_pc(app, 0x900), fake_pc(app, 1)}, 3);
    add_thread(one, ALIVE);
    add_thread(same, ALIVE);
    add_thread(longer, ALIVE);
    fake_joined(fake, one, 2, 0);
    fake_joined(fake, same, 3, pc_in(second_user_function));
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    ck_assert_uint_eq(process->groups[0].thread_count, 2);
    ck_assert_uint_eq(process->groups[0].site_created, 7);
    ck_assert_uint_eq(process->groups[0].site_joined, 5);
    ck_assert_str_eq(process->groups[0].joined_at->function, "second_user_function");
    ck_assert_uint_eq(process->groups[1].site_created, 1);
    ck_assert_uint_eq(process->groups[1].stack_count, 3);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 2);
}
END_TEST

/* An unrolled loop, a macro: a reader sees one place. */
START_TEST(calls_of_one_line_are_one_site)
{
    ledger_pc one = pc_at(call_one), two = pc_at(call_two), below = pc_at(call_below);
    uint32_t first = fake_site(fake, (ledger_pc[]){one, fake_pc(app, 0x900)}, 2),
             second = fake_site(fake, (ledger_pc[]){two, fake_pc(app, 0x900)}, 2),
             other_line = fake_site(fake, (ledger_pc[]){below, fake_pc(app, 0x900)}, 2),
             other_caller = fake_site(fake, (ledger_pc[]){two, fake_pc(app, 0x901)}, 2);
    third_user_function();
    add_thread(other_line, ALIVE);   /* 2 */
    add_thread(second, ALIVE);       /* 3 */
    add_thread(first, ALIVE);        /* 4 */
    add_thread(other_caller, ALIVE); /* 5 */
    add_thread(second, ALIVE);       /* 6 */
    fake_joined(fake, second, 3, 0);
    fake_joined(fake, first, 2, pc_in(second_user_function));
    fake_joined(fake, other_caller, 1, pc_in(first_user_function));
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 3);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 3);
    const struct leak_group *group = &process->groups[0];
    ck_assert_uint_eq(group->thread_count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(group->threads[i].id, i == 2 ? 6 : 3 + i);
    ck_assert_str_eq(group->user_frame->function, "third_user_function");
    ck_assert_uint_eq(group->site_created, 8);
    ck_assert_uint_eq(group->site_joined, 5);
    ck_assert_str_eq(group->joined_at->function, "second_user_function");
    ck_assert_str_eq(process->groups[1].fingerprint, group->fingerprint); /* functions, no lines */
}
END_TEST

/* Of the same place, but all joined: found, too. */
START_TEST(joins_count_for_the_site_with_equal_frames)
{
    uint32_t joined = fake_site(fake, (ledger_pc[]){pc_at(call_one), fake_pc(app, 0x900)}, 2),
             leaked = fake_site(fake, (ledger_pc[]){pc_at(call_two), fake_pc(app, 0x900)}, 2),
             shorter = fake_site(fake, (ledger_pc[]){pc_at(call_one)}, 1),
             other = fake_site(fake, (ledger_pc[]){pc_at(call_below), fake_pc(app, 0x900)}, 2);
    add_thread(leaked, ALIVE);
    fake_joined(fake, joined, 7, pc_in(second_user_function));
    fake_joined(fake, shorter, 100, pc_in(first_user_function));
    fake_joined(fake, other, 200, pc_in(first_user_function));
    fake_site_at(fake, joined)->flags = SITE_TRUNCATED;
    const struct leak_group *group = &build_exit()->groups[0];
    ck_assert_uint_eq(group->site_created, 8);
    ck_assert_uint_eq(group->site_joined, 7);
    ck_assert_str_eq(group->joined_at->function, "second_user_function");
    ck_assert(group->truncated);
}
END_TEST

START_TEST(a_runtimes_frames_are_the_same_by_name)
{
    ledger_pc own = pc_at(call_one), name = pc_at(runtime_one), same = pc_at(runtime_two),
              other = pc_in_library("pthread_join", 8);
    add_thread(fake_site(fake, (ledger_pc[]){name, own}, 2), ALIVE);  /* 2 */
    add_thread(fake_site(fake, (ledger_pc[]){other, own}, 2), ALIVE); /* 3: the user called another */
    add_thread(fake_site(fake, (ledger_pc[]){same, own}, 2), ALIVE);  /* 4 */
    add_thread(fake_site(fake, (ledger_pc[]){other, name, own}, 3),
               ALIVE);                                         /* 5: what that called is not shown */
    add_thread(fake_site(fake, (ledger_pc[]){own}, 1), ALIVE); /* 6 */
    add_thread(fake_site(fake, (ledger_pc[]){own, name, own}, 3), ALIVE);  /* 7 */
    add_thread(fake_site(fake, (ledger_pc[]){own, same, own}, 3), ALIVE);  /* 8 */
    add_thread(fake_site(fake, (ledger_pc[]){own, other, own}, 3), ALIVE); /* 9 */
    add_thread(fake_site(fake, (ledger_pc[]){other, name}, 2), ALIVE);     /* 10: all of it is shown */
    add_thread(fake_site(fake, (ledger_pc[]){name}, 1), ALIVE);            /* 11 */
    add_thread(fake_site(fake, (ledger_pc[]){other, same}, 2), ALIVE);     /* 12 */
    static const uint64_t expected[][4] = {{2, 4, 5}, {7, 8}, {10, 12}, {3}, {6}, {9}, {11}};
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 7);
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < process->groups[i].thread_count; j++)
            ck_assert_uint_eq(process->groups[i].threads[j].id, expected[i][j]);
}
END_TEST

/* Two calls of one function without debug information may be of any two places. */
START_TEST(without_lines_offsets_decide)
{
    uint32_t one = fake_site(fake, (ledger_pc[]){pc_in_library("elf_begin", 8)}, 1),
             two = fake_site(fake, (ledger_pc[]){pc_in_library("elf_begin", 16)}, 1);
    add_thread(one, ALIVE);
    add_thread(two, ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_str_eq(process->groups[0].user_frame->function, "elf_begin");
    ck_assert_uint_eq(process->group_count, process->groups[0].user_frame->line ? process->group_count : 2);
}
END_TEST

START_TEST(only_kinds_that_were_asked_for_count)
{
    uint32_t site = site_at(0x100);
    add_thread(site, ALIVE);
    add_thread(site, ALIVE | SLOT_DETACHED);
    add_thread(site, ENDED);
    rules.kinds = KIND_UNJOINED;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 3);
    ck_assert_int_eq(process->groups[0].kind, LEAK_UNJOINED); /* counted first */
    ck_assert(process->groups[0].counted);
    ck_assert(!process->groups[1].counted && !process->groups[2].counted);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
    ck_assert_uint_eq(leak_report->summary.suppressed_threads, 0);
}
END_TEST

START_TEST(suppressed_ones_do_not_count)
{
    uint32_t noise = fake_site(fake, (ledger_pc[]){fake_pc(lib, 0x10), fake_pc(app, 0x900)}, 2);
    for (int i = 0; i < 3; i++)
        add_thread(noise, ALIVE);
    add_thread(site_at(0x100), ALIVE);
    load_rule("thread:libpool.so$");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    ck_assert(process->groups[0].counted);
    ck_assert_ptr_null(process->groups[0].suppressed_by);
    ck_assert(!process->groups[1].counted);
    ck_assert_str_eq(process->groups[1].suppressed_by, "thread:libpool.so$");
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 1);
    ck_assert_uint_eq(leak_report->summary.suppressed_threads, 3);
}
END_TEST

START_TEST(the_start_routine_is_suppressed_by_too)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .start_pc = pc_in(second_user_function) - 1});
    load_rule("thread:^second_user_function$");
    const struct process_report *process = build_exit();
    ck_assert_str_eq(process->groups[0].suppressed_by, "thread:^second_user_function$");
    ck_assert_str_eq(process->groups[0].start_routine->function, "second_user_function");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_groups");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_add_test(tests, a_group_is_a_kind_of_a_site);
    tcase_add_test(tests, each_thread_has_its_test);
    tcase_add_test(tests, a_rule_for_one_test_of_a_site);
    tcase_add_test(tests, records_of_one_stack_are_one_site);
    tcase_add_test(tests, calls_of_one_line_are_one_site);
    tcase_add_test(tests, joins_count_for_the_site_with_equal_frames);
    tcase_add_test(tests, a_runtimes_frames_are_the_same_by_name);
    tcase_add_test(tests, without_lines_offsets_decide);
    tcase_add_test(tests, only_kinds_that_were_asked_for_count);
    tcase_add_test(tests, suppressed_ones_do_not_count);
    tcase_add_test(tests, the_start_routine_is_suppressed_by_too);
    return suite_run("leak_groups", tests);
}

/* As if it was Rust's. */
#line 1 "/rustc/0123456789/library/std/src/thread.rs"
__attribute__((noinline, used)) static void runtime_function(void)
{
    __asm__ volatile("nop; .Lruntime_one: nop; nop" ::: "memory");
    __asm__ volatile("nop; .Lruntime_two: nop; nop" ::: "memory");
}
