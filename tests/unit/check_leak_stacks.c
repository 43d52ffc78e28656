/* The stacks, start routines and fingerprints of groups of threads. */
#include <string.h>

#include "leak_made.h"
#include "suite.h"

START_TEST(frames_say_where_they_are)
{
    uint32_t site = fake_site(
        fake, (ledger_pc[]){fake_pc(lib, 0x10), fake_pc(LEDGER_NO_MODULE, 0x7000), fake_pc(app, 0x900)}, 3);
    fake_site_at(fake, site)->flags = SITE_TRUNCATED;
    add_thread(site, ALIVE);
    const struct leak_group *group = &build_exit()->groups[0];
    ck_assert(group->truncated);
    ck_assert_uint_eq(group->stack_count, 3);
    const struct frame *frame = group->stack;
    ck_assert_str_eq(frame[0].module, "/nonexistent/libpool.so");
    ck_assert_ptr_null(frame[0].build_id);
    ck_assert_ptr_null(frame[0].function);
    ck_assert_uint_eq(frame[0].offset, 0x10);
    ck_assert_uint_eq(frame[0].pc, fake_module_at(fake, lib)->bias + 0x10);
    ck_assert_ptr_null(frame[1].module); /* made at run time */
    ck_assert_uint_eq(frame[1].pc, 0x7000);
    ck_assert_str_eq(frame[2].module, "/nonexistent/app");
    ck_assert_str_eq(frame[2].build_id, "01020304");
}
END_TEST

START_TEST(no_stack_is_an_empty_one)
{
    add_thread(0, ALIVE);
    add_thread(fake_site(fake, (ledger_pc[]){0}, 0), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 2);
    ck_assert_uint_eq(process->groups[0].stack_count, 0);
    ck_assert_ptr_null(process->groups[0].user_frame);
    ck_assert_ptr_null(process->groups[0].start_routine);
    ck_assert_ptr_null(process->groups[0].joined_at);
    ck_assert_uint_eq(strlen(process->groups[0].fingerprint), 16);
    ck_assert_uint_eq(process->counts.created, 2);
}
END_TEST

START_TEST(the_first_frame_that_is_the_users_own)
{
    uint32_t runtime = fake_module(fake, "/nonexistent/libstdc++.so.6", NULL, 0);
    ledger_pc frames[] = {fake_pc(runtime, 0x10), pc_in(first_user_function), pc_in(second_user_function)};
    add_thread(fake_site(fake, frames, 3), ALIVE);
    const struct leak_group *group = &build_exit()->groups[0];
    ck_assert(group->stack[0].runtime);
    ck_assert_ptr_eq(group->user_frame, &group->stack[1]);
    ck_assert_str_eq(group->user_frame->function, "first_user_function");
    ck_assert_str_eq(group->stack[2].function, "second_user_function");
}
END_TEST

static void add_started(uint32_t site, void (*start)(void))
{
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .start_pc = pc_in(start) - 1});
}

START_TEST(each_start_routine_is_a_site)
{
    uint32_t one = site_at(0x100);
    add_started(one, first_user_function);
    add_started(one, first_user_function);
    add_started(one, second_user_function);
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 2);
    ck_assert_uint_eq(process->groups[0].thread_count, 2);
    ck_assert_str_eq(process->groups[0].start_routine->function, "first_user_function");
    ck_assert_str_eq(process->groups[1].start_routine->function, "second_user_function");
    ck_assert_str_ne(process->groups[0].fingerprint, process->groups[1].fingerprint);
    ck_assert_str_eq(process->groups[0].old_fingerprint, process->groups[1].old_fingerprint);
}
END_TEST

/* From the definition of FNV-1a, for "joinable", and module and offset of both frames. */
START_TEST(fingerprints_of_the_last_version_stay)
{
    add_started(site_at(0x100), first_user_function);
    const struct leak_group *group = &build_exit()->groups[0];
    ck_assert_str_eq(group->old_fingerprint, "6921e29694d9676a");
    ck_assert_str_ne(group->fingerprint, group->old_fingerprint);
}
END_TEST

START_TEST(where_others_of_the_site_are_joined)
{
    uint32_t site = site_at(0x100);
    add_thread(site, ALIVE);
    fake_joined(fake, site, 4, pc_in(second_user_function));
    const struct process_report *process = build_exit();
    ck_assert_str_eq(process->groups[0].joined_at->function, "second_user_function");
    ck_assert_uint_eq(process->groups[0].site_joined, 4);
    ck_assert_uint_eq(process->groups[0].site_created, 5);
    ck_assert_uint_eq(process->counts.created, 5);
    ck_assert_uint_eq(process->counts.joined, 4);
}
END_TEST

static void fingerprint_of(char out[17], ledger_pc leaf, uint32_t state, uint64_t bias)
{
    add_thread(fake_site(fake, (ledger_pc[]){leaf, fake_pc(app, 0x900)}, 2), state);
    fake_module_at(fake, app)->bias = bias;
    strcpy(out, build_exit()->groups[0].fingerprint);
    leak_teardown();
    leak_setup();
}

START_TEST(fingerprints_are_of_the_code_alone)
{
    char prints[6][17];
    fingerprint_of(prints[0], fake_pc(app, 0x100), ALIVE, 0x1000);
    fingerprint_of(prints[1], fake_pc(app, 0x100), ALIVE, 0x555500000000);
    fingerprint_of(prints[2], fake_pc(app, 0x101), ALIVE, 0x1000);
    fingerprint_of(prints[3], fake_pc(app, 0x100), ENDED, 0x1000);
    fingerprint_of(prints[4], fake_pc(lib, 0x100), ALIVE, 0x1000);
    /* Whether a joinable thread had ended is a matter of time. */
    const bool is_same[5] = {true, true, false, true, false};
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++)
            ck_assert_msg((is_same[i] && is_same[j]) == !strcmp(prints[i], prints[j]), "%d and %d", i, j);

    /* With a function known, neither its line nor its place in the file matters. */
    fingerprint_of(prints[0], pc_in(first_user_function), ALIVE, 0x1000);
    fingerprint_of(prints[1], pc_in(first_user_function) + 1, ALIVE, 0x1000);
    fingerprint_of(prints[2], pc_in(second_user_function), ALIVE, 0x1000);
    ck_assert_str_eq(prints[0], prints[1]);
    ck_assert_str_ne(prints[0], prints[2]);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_stacks");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_add_test(tests, frames_say_where_they_are);
    tcase_add_test(tests, no_stack_is_an_empty_one);
    tcase_add_test(tests, the_first_frame_that_is_the_users_own);
    tcase_add_test(tests, each_start_routine_is_a_site);
    tcase_add_test(tests, fingerprints_of_the_last_version_stay);
    tcase_add_test(tests, where_others_of_the_site_are_joined);
    tcase_add_test(tests, fingerprints_are_of_the_code_alone);
    return suite_run("leak_stacks", tests);
}
