/* Which thread a wrong join or detach is recorded for. */
#include <errno.h>

#include "preload/ledger/misuse.h"
#include "suite.h"
#include "writer_made.h"

static uint32_t site, later_site;

static void begin(void)
{
    writer_begin();
    site = make_site_of((void *)make_site);
    later_site = make_site_of((void *)make_site_of);
}

static const struct ledger_misuse *join_fails(struct descriptor *descriptor, int error)
{
    struct join join = join_begin(&state, handle_of(descriptor));
    join_end(&state, &join, false, NULL);
    misuse_of_join(&state, &join, error, (void *)join_fails);
    return &state.header->misuses[0];
}

/* A thread that is over, and its slot. */
static struct ledger_slot *detached_and_over(struct descriptor *descriptor)
{
    struct ledger_slot *slot = run_thread(site, descriptor);
    descriptor->tls.begun = true;
    detach(descriptor);
    thread_ended(&state, slot, 9);
    ck_assert(is_free(slot));
    return slot;
}

START_TEST(thread_that_has_not_begun)
{
    struct ledger_slot *slot = new_thread(site, true);
    hand_over(&descriptors[0], slot);
    const struct ledger_misuse *misuse = join_fails(&descriptors[0], EINVAL);
    ck_assert_uint_eq(misuse->kind, MISUSE_JOIN_DETACHED);
    ck_assert_uint_eq(misuse->serial, slot->serial);
    ck_assert_uint_eq(misuse->site, site);
}
END_TEST

START_TEST(thread_that_is_over)
{
    detached_and_over(&descriptors[0]);
    const struct ledger_misuse *misuse = join_fails(&descriptors[0], ESRCH);
    ck_assert_uint_eq(misuse->kind, MISUSE_JOIN_OVER);
    ck_assert_uint_eq(misuse->serial, 0);
    ck_assert_uint_eq(misuse->site, site);
}
END_TEST

/* Its slot is that of another one, which begins later, with another descriptor. */
START_TEST(stale_handle_accuses_no_new_thread)
{
    struct ledger_slot *slot = detached_and_over(&descriptors[0]);
    ck_assert_ptr_eq(new_thread(later_site, true), slot);
    hand_over(&descriptors[1], slot);
    ck_assert_uint_eq(join_fails(&descriptors[0], EINVAL)->kind, MISUSE_NONE);
    const struct ledger_misuse *misuse = join_fails(&descriptors[0], ESRCH);
    ck_assert_uint_eq(misuse->kind, MISUSE_JOIN_OVER);
    ck_assert_uint_eq(misuse->serial, 0);
    ck_assert_uint_eq(misuse->site, 0);
}
END_TEST

/* Two threads had the same handle within one tick of the clock, the later one in the later slot. */
START_TEST(latest_of_one_handle)
{
    struct ledger_slot *first = run_thread(site, &descriptors[0]), *second = new_thread(site, false);
    detach(&descriptors[0]);
    thread_ended(&state, first, 9);
    thread_dropped(&state, second);
    ck_assert_ptr_eq(run_thread(later_site, &descriptors[0]), second);
    descriptors[0].tls.begun = true;
    detach(&descriptors[0]);
    thread_ended(&state, second, 9);
    ck_assert_uint_eq(join_fails(&descriptors[0], ESRCH)->site, later_site);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("misuse");
    tcase_add_checked_fixture(tests, begin, writer_finish);
    tcase_add_test(tests, thread_that_has_not_begun);
    tcase_add_test(tests, thread_that_is_over);
    tcase_add_test(tests, stale_handle_accuses_no_new_thread);
    tcase_add_test(tests, latest_of_one_handle);
    return suite_run("ledger_write_misuse", tests);
}
