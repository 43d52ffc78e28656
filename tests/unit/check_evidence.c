/* What is collected about a live process, this one, and which of its tasks its ledger explains. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "evidence/evidence.h"
#include "evidence/untracked.h"
#include "ledger_fake.h"
#include "suite.h"

static struct fake *fake;
static struct evidence evidence;
static struct ledger *ledger;
static struct error error;
static uint32_t site;

static void setup(void)
{
    fake = fake_new();
    fake_exe(fake, "/nonexistent/app");
    fake_argv(fake, (const char *const[]){"./app", "", "x y", NULL});
    uint32_t app = fake_module(fake, "/nonexistent/app", NULL, 0);
    site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x100)}, 1);
    evidence = (struct evidence){.pid = 0};
    ledger = NULL;
}

static void teardown(void)
{
    evidence_release(&evidence);
    ledger_close(ledger);
    fake_free(fake);
}

static void thread(uint32_t state, pid_t tid)
{
    fake_thread(fake, &(struct fake_thread){.site = site, .state = state, .tid = tid});
}

/* ---- a live process: this one ------------------------------------------------------------- */

static _Atomic pid_t helper_tids[2];

static void *helper(void *which)
{
    pthread_setname_np(pthread_self(), which ? "second" : "first");
    helper_tids[which != NULL] = (pid_t)syscall(SYS_gettid);
    for (;;)
        pause();
    return NULL;
}

static void start_helpers(void)
{
    pthread_t handle;
    for (intptr_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&handle, NULL, helper, (void *)i), 0);
        while (!helper_tids[i])
            sched_yield();
    }
    fake_header(fake)->pid = getpid();
}

/* The ledger becomes that of this process, as the shim would have it: it is found when it is read again. */
static void map_ledger(void)
{
    size_t size;
    const unsigned char *bytes = fake_bytes(fake, &size);
    int fd = memfd_create(LEDGER_MEMFD_NAME, MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    ck_assert_ptr_ne(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}

static void collect(void)
{
    ledger = ledger ? ledger : fake_open(fake);
    ck_assert_msg(evidence_of_process(&evidence, getpid(), ledger, NULL, &error), "%s", error.text);
}

START_TEST(who_it_is_and_what_it_runs)
{
    start_helpers();
    thread(SLOT_STARTED, helper_tids[0]);
    map_ledger();
    collect();
    ck_assert_int_eq(evidence.parent_pid, 4241);
    ck_assert_str_eq(evidence.exe, "/nonexistent/app");
    ck_assert_str_eq(evidence.argv[0],
                     program_invocation_name); /* its title now, which is not that of the ledger */
    ck_assert(evidence.end.alive && evidence.now_ns);
    ck_assert_uint_eq(evidence.threads.count, 1);
    ck_assert_uint_ge(evidence.tasks.count, 3);
    ck_assert_uint_eq(evidence.untracked.count, 1);
    ck_assert_int_eq(evidence.untracked.tasks[0].tid, helper_tids[1]);
    ck_assert_str_eq(evidence.untracked.tasks[0].name, "second");
}
END_TEST

START_TEST(an_ended_process_keeps_its_first_title)
{
    const struct process_end end = {.known = true};
    thread(SLOT_STARTED, 1);
    ledger = fake_open(fake);
    ck_assert(evidence_of_ledger(&evidence, ledger, &end, NULL, &error));
    static const char *const expected[] = {"./app", "", "x y"};
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(evidence.argv[i], expected[i]);
    ck_assert_ptr_null(evidence.argv[3]);
}
END_TEST

/* Created, and without a tid: the youngest of the two that are in /proc alone is left out. */
START_TEST(one_that_has_not_begun_is_not_untracked)
{
    start_helpers();
    thread(0, 0);
    map_ledger();
    collect();
    ck_assert_uint_eq(evidence.untracked.count, 1);
    ck_assert_int_eq(evidence.untracked.tasks[0].tid, helper_tids[0]);
}
END_TEST

/* It is in the ledger only by the time of the second reading. */
START_TEST(one_that_began_meanwhile_is_not_untracked)
{
    start_helpers();
    thread(SLOT_STARTED, helper_tids[0]);
    ledger = fake_open(fake);
    thread(SLOT_STARTED, helper_tids[1]);
    map_ledger();
    collect();
    ck_assert_uint_eq(evidence.untracked.count, 0);
}
END_TEST

START_TEST(the_thread_that_runs_exit_is_not_untracked)
{
    start_helpers();
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    fake_header(fake)->end_tid = helper_tids[1]; /* its slot is gone */
    thread(SLOT_STARTED, helper_tids[0]);
    map_ledger();
    collect();
    ck_assert_uint_eq(evidence.untracked.count, 0);
    ck_assert_uint_eq(evidence.now_ns, fake_header(fake)->end_ns);
}
END_TEST

START_TEST(what_cannot_be_read_again_is_not_untracked)
{
    start_helpers();
    thread(SLOT_STARTED, 0);
    collect();
    ck_assert_uint_eq(evidence.untracked.count, 0);
}
END_TEST

START_TEST(another_pid_namespace_has_other_tids)
{
    thread(SLOT_STARTED, getpid());
    fake_header(fake)->pid = 7;
    collect();
    ck_assert_int_eq(evidence.pid, getpid());
    ck_assert_uint_eq(evidence.tasks.count, 0);
    ck_assert_uint_eq(evidence.untracked.count, 0);
}
END_TEST

START_TEST(not_watched_all_but_the_main_thread_are_untracked)
{
    start_helpers();
    ck_assert(evidence_of_process(&evidence, getpid(), NULL, NULL, &error));
    ck_assert_ptr_null(evidence.ledger);
    ck_assert_int_eq(evidence.parent_pid, getppid());
    ck_assert_ptr_nonnull(strstr(evidence.exe, "check_evidence"));
    ck_assert_ptr_nonnull(strstr(evidence.argv[0], "check_evidence"));
    ck_assert_uint_eq(evidence.untracked.count, evidence.tasks.count - 1);
}
END_TEST

START_TEST(no_such_process)
{
    ck_assert(!evidence_of_process(&evidence, 0x7ffffff0, NULL, NULL, &error));
    ck_assert_str_eq(error.text, "no process 2147483632");
}
END_TEST

/* ---- made-up tasks ---------------------------------------------------------------------------- */

#define NOW 1000

static const struct read_times now = {.boot_s = NOW, .clock_s = NOW, .ticks_per_s = 100};

/* Seconds since each task began, by ascending tid from 10 on. */
static struct task_list tasks_of_age(const int *ages, size_t count)
{
    struct task_list list = {calloc(count, sizeof(struct task)), count};
    ck_assert_ptr_nonnull(list.tasks);
    for (size_t i = 0; i < count; i++)
        list.tasks[i] = (struct task){
            .tid = (pid_t)(10 + i), .state = 'S', .start_ticks = (uint64_t)(NOW - ages[i]) * 100};
    return list;
}

START_TEST(what_lasts_is_the_same_task)
{
    struct task_list before = tasks_of_age((const int[]){9, 9, 9, 9, 9}, 5);
    struct task_list again = tasks_of_age((const int[]){9, 8, 9, 9, 9}, 5);
    again.tasks[2].state = 'Z';
    strcpy(again.tasks[4].name, "renamed");
    untracked_keep_lasting(&before, &again, 13);
    ck_assert_uint_eq(before.count, 2);
    ck_assert_int_eq(before.tasks[0].tid, 10); /* 11: another task; 12: dead; 13: runs exit */
    ck_assert_str_eq(before.tasks[1].name, "renamed");
    task_list_release(&before);
    task_list_release(&again);
}
END_TEST

START_TEST(old_ones_have_not_just_begun)
{
    struct task_list tasks = tasks_of_age((const int[]){6, 7}, 2);
    ck_assert(untracked_are_old(&tasks, &now));
    tasks.tasks[1].start_ticks += 200;
    ck_assert(!untracked_are_old(&tasks, &now));
    task_list_release(&tasks);
}
END_TEST

/* Two have been created and have not begun, the first 20 s ago: one of the tasks is too old to be it. */
START_TEST(as_many_of_the_youngest_are_left_out)
{
    struct task_list tasks = tasks_of_age((const int[]){500, 3, 400}, 3);
    for (int i = 0; i < 2; i++)
        fake_thread(fake, &(struct fake_thread){.site = site, .created_ns = (NOW - 20 + i) * 1000000000ull});
    ledger = fake_open(fake);
    ck_assert(thread_index_read(&evidence.threads, ledger));
    untracked_leave_out_not_begun(&tasks, &evidence.threads, &now);
    ck_assert_uint_eq(tasks.count, 2);
    ck_assert_int_eq(tasks.tasks[0].tid, 10);
    ck_assert_int_eq(tasks.tasks[1].tid, 12);
    task_list_release(&tasks);
}
END_TEST

/* ---- the index of threads ------------------------------------------------------------------------ */

START_TEST(of_one_tid_the_live_thread_comes_first)
{
    thread(SLOT_STARTED | SLOT_ENDED, 50);
    thread(SLOT_STARTED, 50);
    thread(SLOT_STARTED, 40);
    fake_slot(fake, 2)->handle = 0x7000;
    ledger = fake_open(fake);
    ck_assert(thread_index_read(&evidence.threads, ledger));
    const struct ledger_slot *found = thread_index_find(&evidence.threads, 50);
    ck_assert_uint_eq(found->serial, 3);
    ck_assert_uint_eq(found[1].serial, 2);
    ck_assert_uint_eq(thread_index_find_handle(&evidence.threads, 0x7000)->serial, 4);
    ck_assert_ptr_null(thread_index_find(&evidence.threads, 45));
    ck_assert_ptr_null(thread_index_find(&evidence.threads, 0));
    ck_assert_ptr_null(thread_index_find_handle(&evidence.threads, 0));
    ck_assert_ptr_null(thread_index_find_handle(&evidence.threads, 0x6000));
}
END_TEST

START_TEST(only_the_latest_has_a_handle)
{
    for (int i = 0; i < 3; i++)
        thread(SLOT_STARTED | SLOT_ENDED, 50 + i);
    thread(SLOT_STARTED | SLOT_ENDED, 60);
    for (uint32_t i = 0; i < 4; i++)
        fake_slot(fake, i)->handle = i == 1 ? 0x8000 : 0x7000;
    ledger = fake_open(fake);
    ck_assert(thread_index_read(&evidence.threads, ledger));
    for (size_t i = 0; i < evidence.threads.count; i++) {
        const struct ledger_slot *slot = &evidence.threads.slots[i];
        bool latest = slot->serial == 3 || slot->serial == 5;
        ck_assert_uint_eq(ledger_slot_kind(slot->state), latest ? KIND_UNJOINED : 0);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("evidence");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, who_it_is_and_what_it_runs);
    tcase_add_test(tests, an_ended_process_keeps_its_first_title);
    tcase_add_test(tests, one_that_has_not_begun_is_not_untracked);
    tcase_add_test(tests, one_that_began_meanwhile_is_not_untracked);
    tcase_add_test(tests, the_thread_that_runs_exit_is_not_untracked);
    tcase_add_test(tests, what_cannot_be_read_again_is_not_untracked);
    tcase_add_test(tests, another_pid_namespace_has_other_tids);
    tcase_add_test(tests, not_watched_all_but_the_main_thread_are_untracked);
    tcase_add_test(tests, no_such_process);
    tcase_add_test(tests, what_lasts_is_the_same_task);
    tcase_add_test(tests, old_ones_have_not_just_begun);
    tcase_add_test(tests, as_many_of_the_youngest_are_left_out);
    tcase_add_test(tests, of_one_tid_the_live_thread_comes_first);
    tcase_add_test(tests, only_the_latest_has_a_handle);
    return suite_run("evidence", tests);
}
