/* The counts of all creation sites of a process, in one report and from sample to sample. */
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

static uint32_t user_site(void (*creator)(void), void (*start)(void))
{
    uint32_t site = fake_site(fake, (ledger_pc[]){pc_in(creator), fake_pc(app, 0x10)}, 2);
    fake_site_at(fake, site)->start_pc = pc_in(start) - 1;
    return site;
}

static void add_of(uint32_t site, uint32_t state, uint64_t created_ns)
{
    fake_thread(fake, &(struct fake_thread){.site = site,
                                            .state = state,
                                            .created_ns = created_ns,
                                            .ended_ns = state & SLOT_ENDED ? created_ns + SECOND : 0,
                                            .start_pc = fake_site_at(fake, site)->start_pc});
}

/* One sample, at a time. */
static struct site_counts sample(struct site_table *table, uint64_t now_ns)
{
    struct site_counts counts;
    struct thread_index threads;
    struct ledger *ledger = fake_open(fake);
    ck_assert(thread_index_read(&threads, ledger));
    ck_assert(site_counts_read(&counts, table, ledger, &threads, now_ns));
    thread_index_release(&threads);
    ledger_close(ledger);
    return counts;
}

static const struct site_count *of_creator(const struct site_counts *counts, const char *function)
{
    for (size_t i = 0; i < counts->count; i++) {
        const struct frame *frame = creator_frame(counts->items[i].place);
        if (frame && frame->function && strcmp(frame->function, function) == 0)
            return &counts->items[i];
    }
    ck_abort_msg("no site %s", function);
    return NULL;
}

static const struct leak_group *group_of(const struct process_report *process, enum leak_kind kind)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i].kind == kind)
            return &process->groups[i];
    ck_abort_msg("no group");
    return NULL;
}

START_TEST(every_state_of_a_site_is_counted)
{
    uint32_t site = user_site(first_user_function, second_user_function);
    add_of(site, ALIVE, 10 * SECOND);
    add_of(site, ALIVE, 4 * SECOND);
    add_of(site, ALIVE | SLOT_DETACHED, 3 * SECOND);
    add_of(site, ENDED, 5 * SECOND);
    fake_joined(fake, site, 7, 0);
    fake_site_at(fake, site)->failed[FAIL_EAGAIN] = 2;
    struct site_table *table = site_table_new(rules.symbolizer);
    struct site_counts counts = sample(table, 20 * SECOND);
    const struct site_count *item = of_creator(&counts, "first_user_function");
    ck_assert_uint_eq(item->threads.created, 11);
    ck_assert_uint_eq(item->threads.joined, 7);
    ck_assert_uint_eq(item->threads.detached, 1);
    ck_assert_uint_eq(item->threads.ended, 8);
    ck_assert_uint_eq(item->threads.joinable, 2);
    ck_assert_uint_eq(item->threads.alive_detached, 1);
    ck_assert_uint_eq(item->threads.unjoined, 1);
    ck_assert_uint_eq(item->threads.failed[FAIL_EAGAIN], 2);
    ck_assert_double_eq(item->oldest_s, 17);
    ck_assert_double_eq(item->oldest_unjoined_s, 14);
    ck_assert_str_eq(item->place->start_routine->function, "second_user_function");
    ck_assert_ptr_nonnull(creator_frame(item->place)->file);
    site_counts_release(&counts);
    site_table_free(table);
}
END_TEST

START_TEST(a_site_without_leaks_is_there_and_the_total_sums_all)
{
    uint32_t quiet = user_site(first_user_function, second_user_function);
    fake_joined(fake, quiet, 5, 0);
    add_of(user_site(second_user_function, first_user_function), ALIVE, SECOND);
    struct site_table *table = site_table_new(rules.symbolizer);
    struct site_counts counts = sample(table, 2 * SECOND);
    const struct site_count *item = of_creator(&counts, "first_user_function");
    ck_assert_uint_eq(item->threads.joined, 5);
    ck_assert(item->oldest_s < 0 && item->oldest_unjoined_s < 0);
    ck_assert(site_count_is_used(item));
    ck_assert(!site_count_is_used(&counts.items[0])); /* of unknown places */
    ck_assert_uint_eq(counts.total.created, 6);
    ck_assert_uint_eq(counts.total.joinable, 1);
    ck_assert_double_eq(counts.oldest_s, 1);
    site_counts_release(&counts);
    site_table_free(table);
}
END_TEST

START_TEST(the_fingerprint_is_that_of_the_groups)
{
    uint32_t joinable = user_site(first_user_function, second_user_function);
    add_of(joinable, ENDED, SECOND);
    uint32_t detached = user_site(second_user_function, first_user_function);
    add_of(detached, ALIVE | SLOT_DETACHED, SECOND);
    rules.all_sites = true;
    const struct process_report *process = build_exit();
    ck_assert_str_eq(of_creator(&process->sites, "first_user_function")->fingerprint,
                     group_of(process, LEAK_UNJOINED)->fingerprint);
    ck_assert_str_eq(of_creator(&process->sites, "second_user_function")->fingerprint,
                     group_of(process, LEAK_DETACHED)->fingerprint);
}
END_TEST

START_TEST(a_report_has_them_only_if_it_was_asked)
{
    add_of(user_site(first_user_function, second_user_function), ALIVE, SECOND);
    ck_assert_uint_eq(build_exit()->sites.count, 0);
}
END_TEST

START_TEST(records_of_one_stack_are_one_site)
{
    uint32_t one = user_site(first_user_function, second_user_function);
    uint32_t two = user_site(first_user_function, second_user_function);
    add_of(one, ALIVE, SECOND);
    add_of(two, ALIVE, SECOND);
    struct site_table *table = site_table_new(rules.symbolizer);
    struct site_counts counts = sample(table, 2 * SECOND);
    ck_assert_uint_eq(counts.count, 2); /* with the unknown one */
    ck_assert_uint_eq(of_creator(&counts, "first_user_function")->threads.joinable, 2);
    site_counts_release(&counts);
    site_table_free(table);
}
END_TEST

START_TEST(a_site_keeps_its_place_from_sample_to_sample)
{
    add_of(user_site(first_user_function, second_user_function), ALIVE, SECOND);
    struct site_table *table = site_table_new(rules.symbolizer);
    struct site_counts first = sample(table, 2 * SECOND);
    add_of(user_site(second_user_function, first_user_function), ALIVE, SECOND);
    struct site_counts second = sample(table, 3 * SECOND);
    ck_assert_uint_eq(first.count, 2);
    ck_assert_uint_eq(second.count, 3);
    ck_assert_ptr_eq(first.items[1].place, second.items[1].place);
    ck_assert_uint_eq(second.items[1].threads.joinable, 1);
    ck_assert_uint_eq(second.items[2].threads.joinable, 1);
    site_counts_release(&first);
    site_counts_release(&second);
    site_table_free(table);
}
END_TEST

START_TEST(a_damaged_site_of_a_thread_is_the_unknown_one)
{
    add_of(0, ALIVE, SECOND);
    fake_slot(fake, 0)->site = 4000000;
    struct site_table *table = site_table_new(rules.symbolizer);
    struct site_counts counts = sample(table, 0);
    ck_assert_uint_eq(counts.items[0].threads.joinable, 1);
    ck_assert(counts.items[0].oldest_s < 0); /* the moment is unknown */
    ck_assert(counts.items[0].place->truncated);
    ck_assert_ptr_null(creator_frame(counts.items[0].place));
    site_counts_release(&counts);
    site_table_free(table);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("site_counts");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_add_test(tests, every_state_of_a_site_is_counted);
    tcase_add_test(tests, a_site_without_leaks_is_there_and_the_total_sums_all);
    tcase_add_test(tests, the_fingerprint_is_that_of_the_groups);
    tcase_add_test(tests, a_report_has_them_only_if_it_was_asked);
    tcase_add_test(tests, records_of_one_stack_are_one_site);
    tcase_add_test(tests, a_site_keeps_its_place_from_sample_to_sample);
    tcase_add_test(tests, a_damaged_site_of_a_thread_is_the_unknown_one);
    return suite_run("site_counts", tests);
}
