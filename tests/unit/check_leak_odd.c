/* What only a race, a process at its end or a damaged ledger holds. */
#include <stdlib.h>
#include <string.h>

#include "leak/build.h"
#include "ledger_fake.h"
#include "suite.h"
#include "common/options.h"

#define THREAD(...) fake_thread(fake, &(struct fake_thread){__VA_ARGS__})

static struct fake *fake;
static struct report *leak_report;
static struct verdict_rules rules;
static uint32_t app, site;

static void set_up(void)
{
    fake = fake_new();
    app = fake_module(fake, "/nonexistent/app", "\1\2\3\4", 4);
    site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1100), fake_pc(app, 0x1200)}, 2);
    leak_report = report_new();
    rules = (struct verdict_rules){.kinds = KIND_ALL, .symbolizer = symbolizer_new(false)};
}

static void tear_down(void)
{
    report_free(leak_report);
    symbolizer_free(rules.symbolizer);
    fake_free(fake);
}

static const struct process_report *judged(void)
{
    struct error error = {""};
    struct evidence evidence;
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    struct ledger *ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledger);
    ck_assert(evidence_of_ledger(&evidence, ledger, &(struct process_end){.known = true}, NULL, &error));
    ck_assert_msg(report_add(leak_report, &evidence, &rules, &error), "%s", error.text);
    ledger_close(ledger);
    report_finish(leak_report);
    ck_assert_uint_eq(leak_report->process_count, 1);
    return &leak_report->processes[0];
}

/* ---- two records of one stack ------------------------------------------------------ */

START_TEST(two_records_of_a_stack_add_up)
{
    uint32_t twin = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1100), fake_pc(app, 0x1200)}, 2);
    uint32_t longer =
        fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1100), fake_pc(app, 0x1200), fake_pc(app, 0x1300)}, 3);
    THREAD(.site = longer, .state = SLOT_STARTED);
    THREAD(.site = twin, .state = SLOT_STARTED);
    THREAD(.site = site, .state = SLOT_STARTED);
    fake_joined(fake, twin, 4, fake_pc(app, 0x1400));
    fake_joined(fake, site, 2, 0);
    fake_site_at(fake, twin)->flags = SITE_TRUNCATED;
    const struct process_report *process = judged();
    ck_assert_uint_eq(process->group_count, 2);
    const struct leak_group *both = &process->groups[0], *other = &process->groups[1];
    ck_assert_uint_eq(both->thread_count, 2);
    ck_assert_uint_eq(both->site_created, 8);
    ck_assert_uint_eq(both->site_joined, 6);
    ck_assert(both->truncated);
    ck_assert_ptr_nonnull(both->joined_at);
    ck_assert_uint_eq(both->joined_at->offset, 0x1400);
    ck_assert_uint_eq(other->site_created, 1);
    ck_assert_uint_eq(other->site_joined, 0);
    ck_assert(!other->truncated);
    ck_assert_ptr_null(other->joined_at);
}
END_TEST

START_TEST(the_first_of_a_site)
{
    rules.kinds = KIND_DETACHED | KIND_UNJOINED;
    THREAD(.site = site, .state = SLOT_STARTED);
    THREAD(.site = site, .state = SLOT_STARTED | SLOT_DETACHED);
    THREAD(.site = site, .state = SLOT_STARTED | SLOT_ENDED);
    const struct process_report *process = judged();
    ck_assert_uint_eq(process->group_count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(process->groups[i].first_of_site, i == 0);
    ck_assert_int_eq(process->groups[0].kind, LEAK_DETACHED); /* counted groups come first */
    ck_assert_int_eq(process->groups[2].kind, LEAK_RUNNING);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 1);
}
END_TEST

START_TEST(groups_of_one_size_are_sorted_by_age)
{
    for (uint32_t i = 0; i < 50; i++)
        THREAD(.site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x9000 - 7 * (i * 31 % 50))}, 1),
               .state = SLOT_STARTED);
    const struct process_report *process = judged();
    ck_assert_uint_eq(process->group_count, 50);
    for (size_t i = 0; i < 50; i++)
        ck_assert_uint_eq(process->groups[i].threads[0].id, i + 2);
}
END_TEST

START_TEST(a_thread_not_counted_yet_is_shown)
{
    THREAD(.site = site, .state = SLOT_STARTED);
    fake_site_at(fake, site)->created = 0;
    ck_assert_uint_eq(judged()->group_count, 1);
}
END_TEST

/* ---- damaged ------------------------------------------------------------------------- */

START_TEST(a_site_that_is_not_there)
{
    uint32_t slot = THREAD(.site = site, .state = SLOT_STARTED);
    fake_slot(fake, slot)->site = 9999;
    const struct leak_group *group = judged()->groups;
    ck_assert_uint_eq(group->stack_count, 0);
    ck_assert_ptr_null(group->user_frame);
    ck_assert(group->truncated);
}
END_TEST

START_TEST(a_stack_deeper_than_any_is_cut)
{
    static ledger_pc frames[3000];
    for (uint64_t i = 0; i < 3000; i++)
        frames[i] = fake_pc(app, 0x1000 + i);
    THREAD(.site = fake_site(fake, frames, 3000), .state = SLOT_STARTED);
    ck_assert_uint_eq(judged()->groups[0].stack_count, OPTIONS_DEPTH_MAX);
}
END_TEST

/* Else JSON would hold what is no UTF-8, that is, there would be no JSON. */
START_TEST(a_state_that_is_no_letter_is_unknown)
{
    static const uint32_t states[] = {0xe9, 1, 0x153, '1', 0xffffffff};
    for (size_t i = 0; i < 5; i++)
        fake_slot(fake, THREAD(.site = site, .state = SLOT_STARTED, .sample_cpu_ns = 7))->sample_state =
            states[i];
    const struct leak_group *group = judged()->groups;
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(group->threads[i].state, 0);
        ck_assert_double_lt(group->threads[i].cpu_s, 0);
    }
}
END_TEST

START_TEST(a_name_that_was_taken_back)
{
    fake_slot(fake, THREAD(.site = site, .state = SLOT_STARTED, .name = "stale"))->name_seq = 0;
    ck_assert_str_eq(judged()->groups[0].threads[0].name, "");
}
END_TEST

/* As many sites as there is room for, each of equal frames: nothing may take the square of it. */
START_TEST(many_equal_sites)
{
    for (uint32_t i = 0; i < 1000; i++)
        THREAD(.site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x5000)}, 1), .state = SLOT_STARTED);
    const struct process_report *process = judged();
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 1000);
    ck_assert_uint_eq(process->groups[0].site_created, 1000);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_odd");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, two_records_of_a_stack_add_up);
    tcase_add_test(tests, the_first_of_a_site);
    tcase_add_test(tests, groups_of_one_size_are_sorted_by_age);
    tcase_add_test(tests, a_thread_not_counted_yet_is_shown);
    tcase_add_test(tests, a_site_that_is_not_there);
    tcase_add_test(tests, a_stack_deeper_than_any_is_cut);
    tcase_add_test(tests, a_state_that_is_no_letter_is_unknown);
    tcase_add_test(tests, a_name_that_was_taken_back);
    tcase_add_test(tests, many_equal_sites);
    return suite_run("leak_odd", tests);
}
