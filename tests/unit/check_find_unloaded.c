/* Findings about threads in libraries that were unloaded, over made-up ledgers. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

/* Threads with a T-number below this began before. */
static void unloaded_before(uint64_t serial)
{
    fake_module_at(fake, lib)->unloaded_serial = serial;
    fake_module_at(fake, lib)->unloaded = 1;
    fake_module_at(fake, lib)->unloaded_at = pc_in(first_user_function);
}

/* ---- by their stacks ----------------------------------------------------------------------- */

static struct frame frames[2];
static struct shared_stack shared = {.frames = frames, .count = 2};

static struct evidence with_stack(uint64_t stray)
{
    add_thread(site_at(0x10), ALIVE);
    fake_slot(fake, 0)->tid = 5000;
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    struct evidence evidence = made_evidence();
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    ck_assert_ptr_nonnull(stacks);
    stacks->threads = calloc(1, sizeof(*stacks->threads));
    ck_assert_ptr_nonnull(stacks->threads);
    stacks->threads[0] = (struct thread_stack){.tid = 5000, .stack = &shared, .idle_s = -1};
    stacks->count = 1;
    shared.stray = stray;
    evidence.stacks = stacks;
    return evidence;
}

static uint64_t in_library(void)
{
    return fake_module_at(fake, lib)->start + 0x100;
}

START_TEST(a_return_address_in_a_library_that_is_gone)
{
    frames[0] = frames[1] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    unloaded_before(3);
    struct evidence evidence = with_stack(in_library());
    const struct finding *finding = only_finding(judge(&evidence), FINDING_UNLOADED_CODE);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_str_eq(finding->text, "T2 will return to code of libpool.so, which was unloaded");
}
END_TEST

/* Two libraries had these addresses one after the other, and the thread can have been in each. */
START_TEST(a_return_address_where_two_libraries_were)
{
    frames[0] = frames[1] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    unloaded_before(4);
    fake_module_at(fake, self)->start = fake_module_at(fake, lib)->start;
    fake_module_at(fake, self)->end = fake_module_at(fake, lib)->end;
    fake_module_at(fake, self)->unloaded_serial = 3;
    struct evidence evidence = with_stack(in_library());
    const struct finding *finding = only_finding(judge(&evidence), FINDING_UNLOADED_CODE);
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_ptr_null(strstr(finding->text, "libpool.so"));
}
END_TEST

/* It began later: generated code can have been there. */
START_TEST(a_stray_address_of_a_later_thread)
{
    frames[0] = frames[1] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    unloaded_before(2);
    struct evidence evidence = with_stack(in_library());
    ck_assert_int_eq(only_finding(judge(&evidence), FINDING_UNLOADED_CODE)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(generated_code_where_a_library_was)
{
    frames[0] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    frames[1] = (struct frame){.pc = in_library(), .is_return_address = true};
    unloaded_before(3);
    struct evidence evidence = with_stack(0);
    ck_assert_int_eq(only_finding(judge(&evidence), FINDING_UNLOADED_CODE)->level, FINDING_LIKELY);
}
END_TEST

/* Its frames cannot be of the library: it began later. */
START_TEST(generated_code_of_a_later_thread)
{
    frames[0] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    frames[1] = (struct frame){.pc = in_library(), .is_return_address = true};
    unloaded_before(2);
    struct evidence evidence = with_stack(0);
    no_finding(judge(&evidence));
}
END_TEST

START_TEST(generated_code_elsewhere)
{
    frames[0] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    frames[1] = (struct frame){.pc = 0x10, .is_return_address = true};
    struct evidence evidence = with_stack(0);
    no_finding(judge(&evidence));
}
END_TEST

START_TEST(a_stray_address_elsewhere)
{
    frames[0] = frames[1] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    struct evidence evidence = with_stack(0x10);
    no_finding(judge(&evidence));
}
END_TEST

/* ---- by where they began ------------------------------------------------------------------- */

static const struct process_end by_segv = {.known = true, .wait_status = KILLED(SIGSEGV)};

static uint32_t start_at(ledger_pc start_pc, uint32_t state)
{
    uint32_t site = site_at(0x10);
    return fake_thread(fake, &(struct fake_thread){.site = site, .state = state, .start_pc = start_pc});
}

START_TEST(a_start_routine_in_a_library_that_is_gone)
{
    start_at(fake_pc(lib, 0x100), ALIVE);
    unloaded_before(3);
    const struct process_report *process = build(&by_segv);
    const struct finding *finding = only_finding(process, FINDING_UNLOADED_CODE);
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_str_eq(finding->text,
                     "SIGSEGV ended the process, and T2 ran in an unloaded library, libpool.so");
    ck_assert_str_eq(process->findings.verdict,
                     "CRASHED: SIGSEGV ended the process, and T2 ran in an unloaded "
                     "library, libpool.so: likely unloaded-code");
}
END_TEST

/* Missing code does not raise it. */
START_TEST(an_abort)
{
    start_at(fake_pc(lib, 0x100), ALIVE);
    unloaded_before(3);
    const struct process_report *process =
        build(&(struct process_end){.known = true, .wait_status = SIGABRT});
    ck_assert_ptr_null(process->findings.verdict);
}
END_TEST

START_TEST(not_the_program)
{
    start_at(fake_pc(app, 0x100), ALIVE);
    fake_module_at(fake, app)->unloaded_serial = 3;
    fake_module_at(fake, app)->unloaded = 1;
    fake_module_at(fake, app)->unloaded_at = fake_pc(app, 0x200);
    no_finding(build(&by_segv));
}
END_TEST

/* The later libraries do not take the threads of the first ones. */
START_TEST(threads_of_two_libraries)
{
    start_at(fake_pc(self, 0x100), ALIVE);
    start_at(fake_pc(lib, 0x100), ALIVE);
    start_at(fake_pc(self, 0x100), ALIVE);
    unloaded_before(5);
    fake_module_at(fake, self)->unloaded_serial = 5;
    const struct process_report *process = build(&by_segv);
    ck_assert_uint_eq(process->findings.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct finding *finding = &process->findings.items[i];
        ck_assert_uint_eq(finding->thread_count, strstr(finding->text, "libpool.so") ? 1 : 2);
    }
}
END_TEST

/* Signals that the program or the user sends are no reason to say that it crashed. */
START_TEST(another_signal)
{
    start_at(fake_pc(lib, 0x100), ALIVE);
    unloaded_before(3);
    const struct process_report *process =
        build(&(struct process_end){.known = true, .wait_status = SIGTERM});
    ck_assert_str_eq(only_finding(process, FINDING_UNLOADED_CODE)->text,
                     "T2 runs in an unloaded library, libpool.so");
    ck_assert_ptr_null(process->findings.verdict);
}
END_TEST

START_TEST(several_threads_of_one_library)
{
    for (int i = 0; i < 3; i++)
        start_at(fake_pc(lib, 0x100), ALIVE);
    unloaded_before(5);
    const struct finding *finding = only_finding(build(&by_segv), FINDING_UNLOADED_CODE);
    ck_assert_uint_eq(finding->thread_count, 3);
    ck_assert_ptr_nonnull(strstr(finding->text, "T2 and 2 more threads ran in"));
}
END_TEST

START_TEST(not_of_the_library_that_is_loaded_again)
{
    start_at(fake_pc(lib, 0x100), ALIVE);
    start_at(fake_pc(lib, 0x100), ALIVE);
    unloaded_before(3);
    const struct finding *finding = only_finding(build(&by_segv), FINDING_UNLOADED_CODE);
    ck_assert_uint_eq(finding->thread_count, 1);
    ck_assert_uint_eq(finding->threads[0].id, 2);
}
END_TEST

START_TEST(not_a_thread_that_has_ended)
{
    start_at(fake_pc(lib, 0x100), ENDED);
    unloaded_before(3);
    no_finding(build(&by_segv));
}
END_TEST

START_TEST(not_a_start_routine_elsewhere)
{
    start_at(fake_pc(app, 0x100), ALIVE);
    unloaded_before(3);
    no_finding(build(&by_segv));
}
END_TEST

/* The library can be loaded in both of them. */
START_TEST(not_with_a_second_namespace)
{
    start_at(fake_pc(lib, 0x100), ALIVE);
    unloaded_before(3);
    fake_header(fake)->second_namespace = fake_string(fake, "/usr/lib/libpool.so");
    no_finding(build(&by_segv));
}
END_TEST

/* A whole stack that is elsewhere: its start routine was left by a jump. */
START_TEST(not_with_a_whole_stack)
{
    frames[0] = frames[1] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    unloaded_before(3);
    struct evidence evidence = with_stack(0);
    evidence.threads.slots[0].start_pc = fake_pc(lib, 0x100);
    no_finding(judge(&evidence));
}
END_TEST

/* An incomplete stack with code of the library, where it was. */
static struct evidence with_incomplete_stack(const char *module)
{
    frames[0] = (struct frame){.module = "/lib/libc.so.6", .pc = 0x1000};
    frames[1] = (struct frame){.module = module, .pc = in_library(), .is_return_address = true};
    unloaded_before(3);
    struct evidence evidence = with_stack(0);
    evidence.threads.slots[0].start_pc = fake_pc(lib, 0x100);
    shared.incomplete = "no call-frame information";
    return evidence;
}

START_TEST(not_of_a_library_that_is_there_again)
{
    struct evidence evidence = with_incomplete_stack("/nonexistent/libpool.so");
    no_finding(judge(&evidence));
}
END_TEST

/* It can have been loaded again at the same addresses. */
START_TEST(not_with_a_stack_that_ends_early)
{
    struct evidence evidence = with_incomplete_stack("/lib/libc.so.6");
    frames[1].pc = 0x1000;
    no_finding(judge(&evidence));
}
END_TEST

/* Its addresses are the new ones. */
START_TEST(a_library_that_is_elsewhere_now)
{
    struct evidence evidence = with_incomplete_stack("/nonexistent/libpool.so");
    shared.stray = 0x7000;
    ((struct ledger_module *)ledger_get_module(evidence.ledger, lib))->unloaded = 0;
    only_finding(judge(&evidence), FINDING_UNLOADED_CODE);
}
END_TEST

START_TEST(another_library_is_there)
{
    struct evidence evidence = with_incomplete_stack("/nonexistent/libother.so");
    only_finding(judge(&evidence), FINDING_UNLOADED_CODE);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("find_unloaded");
    tcase_add_checked_fixture(tests, find_setup, leak_teardown);
    tcase_add_test(tests, a_return_address_in_a_library_that_is_gone);
    tcase_add_test(tests, a_return_address_where_two_libraries_were);
    tcase_add_test(tests, a_stray_address_of_a_later_thread);
    tcase_add_test(tests, generated_code_where_a_library_was);
    tcase_add_test(tests, generated_code_of_a_later_thread);
    tcase_add_test(tests, generated_code_elsewhere);
    tcase_add_test(tests, a_stray_address_elsewhere);
    tcase_add_test(tests, a_start_routine_in_a_library_that_is_gone);
    tcase_add_test(tests, another_signal);
    tcase_add_test(tests, an_abort);
    tcase_add_test(tests, not_the_program);
    tcase_add_test(tests, threads_of_two_libraries);
    tcase_add_test(tests, several_threads_of_one_library);
    tcase_add_test(tests, not_of_the_library_that_is_loaded_again);
    tcase_add_test(tests, not_a_thread_that_has_ended);
    tcase_add_test(tests, not_a_start_routine_elsewhere);
    tcase_add_test(tests, not_with_a_second_namespace);
    tcase_add_test(tests, not_with_a_whole_stack);
    tcase_add_test(tests, not_of_a_library_that_is_there_again);
    tcase_add_test(tests, not_with_a_stack_that_ends_early);
    tcase_add_test(tests, a_library_that_is_elsewhere_now);
    tcase_add_test(tests, another_library_is_there);
    return suite_run("find_unloaded", tests);
}
