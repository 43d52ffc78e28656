#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "ledger_fake.h"
#include "suite.h"
#include "stacks/names.h"

#define TID 4250

static struct fake *fake;
static struct ledger *ledger;
static struct thread_names names;

static void setup(void)
{
    fake = fake_new_small();
}

static void teardown(void)
{
    thread_names_release(&names);
    ledger_close(ledger);
    fake_free(fake);
}

static void add(uint64_t serial, pid_t tid, uint32_t state)
{
    uint64_t ended = state & SLOT_ENDED ? 3000000000ull : 0;
    fake_thread(fake, &(struct fake_thread){
                          .serial = serial, .tid = tid, .state = SLOT_STARTED | state, .ended_ns = ended});
}

static void read_names(pid_t pid, bool live)
{
    ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledger);
    ck_assert(thread_names_read(&names, ledger, pid, live));
}

START_TEST(living_and_ended)
{
    char text[64];
    add(2, TID, 0);
    add(3, TID + 1, SLOT_ENDED);
    read_names(4242, false);
    ck_assert_uint_eq(thread_names_id(&names, 4242), LEDGER_MAIN_SERIAL);
    ck_assert_uint_eq(thread_names_id(&names, TID), 2);
    ck_assert_uint_eq(thread_names_id(&names, TID + 1), 3);
    ck_assert_uint_eq(thread_names_id(&names, TID + 2), 0);
    ck_assert(thread_names_format(&names, TID + 1, text, sizeof(text)));
    ck_assert_str_eq(text, "T3");
    ck_assert(thread_names_format(&names, TID + 2, text, sizeof(text)));
    ck_assert_str_eq(text, "tid 4252");
}
END_TEST

/* The kernel gives the tids of ended threads to new ones. */
START_TEST(tid_used_again)
{
    add(2, TID, SLOT_ENDED);
    add(3, TID, 0);
    add(4, TID + 1, SLOT_ENDED);
    add(5, TID + 1, SLOT_ENDED);
    add(6, TID - 1, SLOT_ENDED);
    read_names(4242, false);
    ck_assert_uint_eq(thread_names_id(&names, TID), 3);
    ck_assert_uint_eq(thread_names_id(&names, TID + 1), 0);
    ck_assert_uint_eq(thread_names_id(&names, TID - 1), 6);
}
END_TEST

/* A thread that nobody tracks is there under the tid of one that has ended. */
START_TEST(tid_of_a_untracked)
{
    pid_t own = getpid(), parent = getppid();
    add(2, own, SLOT_ENDED);
    read_names(parent, true);
    names.live_pid = own;
    ck_assert_uint_eq(thread_names_id(&names, own), 0);
    names.live_pid = 0;
    ck_assert_uint_eq(thread_names_id(&names, own), 2);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, living_and_ended);
    tcase_add_test(tests, tid_used_again);
    tcase_add_test(tests, tid_of_a_untracked);
    return suite_run("present_names", tests);
}
