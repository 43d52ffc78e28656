/* Whether the owner of a lock has ended with it, from made data. */
#include "suite.h"
#include "wait/ended.h"

enum { OWNER = 0x7000, OTHER = 0x8000 };

static struct snapshot_thread threads[2];
static struct nptl_thread listed[2];
static struct snapshot snapshot;
static struct own_tids own_tids;
static struct ended_facts facts;

/* Two threads, of which the second one has no thread pointer. */
static void set_up(void)
{
    threads[0] = (struct snapshot_thread){.tid = 10, .thread_pointer = OTHER};
    threads[1] = (struct snapshot_thread){.tid = 11};
    listed[0] = (struct nptl_thread){.handle = OTHER, .tid = 10};
    listed[1] = (struct nptl_thread){.handle = OTHER + 8, .tid = 11};
    snapshot = (struct snapshot){.threads = threads, .count = 2};
    own_tids = (struct own_tids){0};
    facts = (struct ended_facts){.snapshot = &snapshot,
                                 .own_tids = &own_tids,
                                 .then = {2, 1, OWNER},
                                 .listed = listed,
                                 .listed_count = 2,
                                 .now = {2, 1, OWNER}};
}

START_TEST(it_has_ended)
{
    ck_assert(ended_with_lock(&facts));
    facts.tid = -1;
    ck_assert_msg(ended_with_lock(&facts), "it was joined");
    facts.tid = 12;
    ck_assert_msg(!ended_with_lock(&facts), "it lives");
}
END_TEST

START_TEST(it_unlocks_before_it_ends)
{
    facts.now = (struct glibc_recursive_lock){0};
    ck_assert_msg(!ended_with_lock(&facts), "nobody has it");
    facts.now = (struct glibc_recursive_lock){2, 1, OTHER};
    ck_assert_msg(!ended_with_lock(&facts), "another thread has it");
    facts.now = (struct glibc_recursive_lock){2, 2, OWNER};
    ck_assert_msg(!ended_with_lock(&facts), "it was locked again");
}
END_TEST

START_TEST(a_thread_of_the_snapshot_has_its_descriptor)
{
    threads[0].thread_pointer = OWNER;
    ck_assert(!ended_with_lock(&facts));
    threads[0].thread_pointer = OTHER;
    threads[1].thread_pointer = OWNER;
    ck_assert(!ended_with_lock(&facts));
}
END_TEST

START_TEST(a_thread_that_may_have_its_descriptor)
{
    facts.listed_count = 1;
    ck_assert_msg(!ended_with_lock(&facts), "not in glibc's lists");
    threads[1].state = SNAPSHOT_KERNEL;
    ck_assert_msg(ended_with_lock(&facts), "a thread of the kernel has none");
    set_up();
    listed[1].tid = 0;
    ck_assert_msg(!ended_with_lock(&facts), "has ended meanwhile");
    set_up();
    listed[1].handle = OWNER;
    ck_assert_msg(!ended_with_lock(&facts), "is the owner");
}
END_TEST

START_TEST(in_another_pid_namespace)
{
    static struct own_tid items[] = {{2, 10}, {3, 11}};
    own_tids = (struct own_tids){items, 2, true};
    ck_assert(!ended_with_lock(&facts));
    listed[1].tid = 3;
    ck_assert(ended_with_lock(&facts));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("wait_ended");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, it_has_ended);
    tcase_add_test(tests, it_unlocks_before_it_ends);
    tcase_add_test(tests, a_thread_of_the_snapshot_has_its_descriptor);
    tcase_add_test(tests, a_thread_that_may_have_its_descriptor);
    tcase_add_test(tests, in_another_pid_namespace);
    return suite_run("wait_ended", tests);
}
