/* Marking in images that are made up: what a thread refers to, by its registers, stack and descriptor. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/ledger.h"
#include "reach/collector.h"
#include "reach_made.h"
#include "snapshot/source.h"
#include "suite.h"

START_TEST(kept_in_a_register)
{
    struct case_of_one of = one_waiter();
    of.made->registers[0][2] = of.object;
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_in_a_vector_register)
{
    unsigned char vector[16 + REACH_SLACK] = {0};
    struct case_of_one of = one_waiter();
    *(uint64_t *)(void *)(vector + 8) = of.object;
    of.made->threads[0].vectors = vector;
    of.made->threads[0].vector_size = 16;
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_by_the_kernel)
{
    unsigned char kernel[13 + REACH_SLACK] = {0};
    struct case_of_one of = one_waiter();
    __builtin_memcpy(kernel + 5, &of.object, 8);
    of.made->image.kernel = kernel;
    of.made->image.kernel_size = 13;
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_on_a_live_stack)
{
    struct case_of_one of = one_waiter();
    size_t runner = made_runner(of.made);
    made_write(of.made, made_on_stack(of.made, runner), of.object);
    expect_stuck(&of, false);
}
END_TEST

/* A running thread has the reference so far below its stack pointer. */
static struct case_of_one kept_below(uint64_t bytes, size_t *runner)
{
    struct case_of_one of = one_waiter();
    *runner = made_runner(of.made);
    made_write(of.made, of.made->threads[*runner].sp - bytes, of.object);
    return of;
}

START_TEST(kept_in_the_red_zone)
{
    size_t runner;
    struct case_of_one of = kept_below(128, &runner);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(below_the_stack_pointer)
{
    size_t runner;
    struct case_of_one of = kept_below(144, &runner);
    expect_stuck(&of, true);
}
END_TEST

/* libc's calls that block are no leaves. */
START_TEST(no_red_zone_in_a_call_of_libc)
{
    for (uint64_t below = 0; below < 16; below += 8) {
        struct case_of_one of = one_waiter();
        size_t runner = made_runner(of.made);
        of.made->threads[runner].in_libc = true;
        made_write(of.made, of.made->threads[runner].sp - below, of.object);
        expect_stuck(&of, below > 0);
    }
}
END_TEST

START_TEST(on_another_stack_all_counts)
{
    size_t runner;
    struct case_of_one of = kept_below(144, &runner);
    of.made->threads[runner].sp = MADE_DATA + 512;
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_in_tls_and_descriptor)
{
    for (int64_t offset = -0x100; offset < 0x900; offset += 8) {
        struct case_of_one of = one_waiter();
        size_t runner = made_runner(of.made);
        uint64_t at = of.made->threads[runner].thread_pointer + (uint64_t)offset;
        if ((offset >= 704 && offset < 728) || (offset >= 1680 && offset < 1696)) {
            made_end_heap(of.made);
            made_free(of.made);
            continue;
        }
        made_write(of.made, at, of.object);
        expect_stuck(&of, false);
    }
}
END_TEST

/* libc's data refers to the thread-local storage of the main thread, and our shim keeps its frame there. */
/* The table of the main thread is in memory of the loader, which is reachable. */
static void make_table(struct made *made, uint64_t block)
{
    enum { OFFSET_OF_DTV = 8 };
    const uint64_t loader = MADE_MMAP + 0xf00, table = MADE_MMAP + 0xe00;
    made->image.glibc.nptl.dtv = OFFSET_OF_DTV;
    made_write(made, MADE_MMAP + 0x200 + OFFSET_OF_DTV, table);
    made_write(made, table - 16, 2);
    made_write(made, table + 16, block);
    made_write(made, MADE_DATA + 64, loader);
}

START_TEST(a_table_of_tls_does_not_keep)
{
    struct case_of_one of = one_waiter();
    const uint64_t tls = MADE_MMAP + 0x200 - 0x40, on_stack = MADE_STACK + 2048 + 64;
    make_table(of.made, tls);
    made_write(of.made, tls, on_stack);
    made_write(of.made, on_stack, of.object);
    of.made->threads[0].need = REACH_NEEDS_THREAD;
    of.made->threads[0].owner = of.waiter;
    expect_stuck(&of, true);
}
END_TEST

START_TEST(a_table_of_a_live_thread_keeps)
{
    struct case_of_one of = one_waiter();
    uint64_t block = made_malloc(of.made, 40);
    make_table(of.made, block);
    made_write(of.made, block, of.object);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(variables_of_the_shim_do_not_count)
{
    struct case_of_one of = one_waiter();
    uint64_t descriptor = of.made->threads[of.waiter].thread_pointer;
    of.made->image.glibc.shim_tls = -0x80;
    of.made->image.glibc.shim_tls_size = 0x40;
    made_write(of.made, MADE_DATA + 64, descriptor - 0x100);
    made_write(of.made, descriptor - 0x80, of.object);
    made_write(of.made, descriptor - 0x48, of.object);
    expect_stuck(&of, true);
}
END_TEST

START_TEST(variables_beside_those_of_the_shim_count)
{
    for (int after = 0; after < 2; after++) {
        struct case_of_one of = one_waiter();
        uint64_t descriptor = of.made->threads[of.waiter].thread_pointer;
        of.made->image.glibc.shim_tls = -0x80;
        of.made->image.glibc.shim_tls_size = 0x40;
        made_write(of.made, MADE_DATA + 64, descriptor - 0x100);
        made_write(of.made, after ? descriptor - 0x40 : descriptor - 0x88, of.object);
        expect_stuck(&of, false);
    }
}
END_TEST

START_TEST(an_address_of_errno_does_not_count)
{
    for (int beside = 0; beside < 2; beside++) {
        struct case_of_one of = one_waiter();
        uint64_t descriptor = of.made->threads[of.waiter].thread_pointer;
        of.made->image.glibc.errno_at = -0x88;
        made_write(of.made, descriptor - 0x40, of.object);
        made_write(of.made, MADE_DATA + 64, descriptor - 0x88 + (beside ? 4 : 0));
        expect_stuck(&of, !beside);
    }
}
END_TEST

START_TEST(a_handle_does_not_count)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, made_on_stack(of.made, of.waiter), of.object);
    made_write(of.made, MADE_DATA + 64, of.made->threads[of.waiter].thread_pointer);
    expect_stuck(&of, true);
}
END_TEST

START_TEST(an_address_on_its_stack_counts)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, made_on_stack(of.made, of.waiter) + 8, of.object);
    made_write(of.made, MADE_DATA + 64, made_on_stack(of.made, of.waiter));
    expect_stuck(&of, false);
}
END_TEST

START_TEST(the_guard_of_a_stack)
{
    static const struct {
        uint64_t guard, offset;
        bool stuck;
    } cases[] = {{1024, 0, true},     {1024, 1024, true},  {1024, 2048, true},
                 {1024, 1032, false}, {1024, 2056, false}, {2048, 4096, false}, /* in use */
                 {0, 0, false}};
    struct case_of_one of = one_waiter();
    size_t other = made_waiter(of.made, of.object + 8);
    uint64_t start = of.made->threads[other].sp - 4096;
    made_guard(of.made, other, cases[_i].guard);
    made_write(of.made, made_on_stack(of.made, other), of.object);
    made_write(of.made, MADE_DATA + 64, start + cases[_i].offset);
    expect_stuck(&of, cases[_i].stuck);
}
END_TEST

START_TEST(caveat_of_unknown_registers)
{
    struct case_of_one of = one_waiter();
    of.made->threads[0].unknown_registers = true;
    made_end_heap(of.made);
    ck_assert(made_is_stuck(of.made, of.waiter));
    ck_assert_uint_ne(of.made->image.caveats, 0);
    made_free(of.made);
}
END_TEST

START_TEST(no_caveat_without_a_reason)
{
    struct case_of_one of = one_waiter();
    of.made->threads[of.waiter].unknown_registers = true;
    made_end_heap(of.made);
    ck_assert(made_is_stuck(of.made, of.waiter));
    ck_assert_uint_eq(of.made->image.caveats | of.made->threads[of.waiter].caveats, 0);
    made_free(of.made);
}
END_TEST

START_TEST(a_damaged_list_of_threads)
{
    struct made *made = made_new();
    made_runner(made);
    made_write(made, made->image.glibc.nptl.used, 12345);
    ck_assert(!reach_blocks_find(&made->image));
    made_free(made);
}
END_TEST

/* ---- a ledger: the process is this one ---- */

static size_t read_own(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    (void)snapshot;
    memcpy(to, (const void *)(uintptr_t)address, size);
    return size;
}

static bool has_word(const struct reach_bytes *bytes, uint64_t word)
{
    for (size_t at = 0; at + 8 <= bytes->size; at += 8)
        if (memcmp(bytes->bytes + at, &word, 8) == 0)
            return true;
    return false;
}

START_TEST(births_of_threads_that_have_not_begun)
{
    enum { COUNT = 200 };
    static struct ledger_slot slots[COUNT];
    const struct snapshot_source source = {.read = read_own};
    const struct snapshot snapshot = {.source = &source};
    struct reach_collector collector = {.slots = (uintptr_t)slots, .slot_count = COUNT};
    for (unsigned i = 0; i < COUNT; i++) {
        slots[i].arg = 1000 + i;
        slots[i].serial = i % 3 ? i : 0;
        slots[i].state = i % 5 ? SLOT_STARTED | SLOT_USE : SLOT_DETACHED | SLOT_USE;
    }
    reach_births_read(&collector, &snapshot);
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert_int_eq(has_word(&collector.kernel, 1000 + i), i % 3 != 0 && i % 5 == 0);
    ck_assert_uint_eq(collector.image.caveats, 0);
    free(collector.kernel.bytes);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("reach_threads");
    tcase_add_test(all, kept_in_a_register);
    tcase_add_test(all, kept_in_a_vector_register);
    tcase_add_test(all, kept_by_the_kernel);
    tcase_add_test(all, kept_on_a_live_stack);
    tcase_add_test(all, kept_in_the_red_zone);
    tcase_add_test(all, below_the_stack_pointer);
    tcase_add_test(all, no_red_zone_in_a_call_of_libc);
    tcase_add_test(all, on_another_stack_all_counts);
    tcase_add_test(all, kept_in_tls_and_descriptor);
    tcase_add_test(all, a_table_of_tls_does_not_keep);
    tcase_add_test(all, a_table_of_a_live_thread_keeps);
    tcase_add_test(all, variables_of_the_shim_do_not_count);
    tcase_add_test(all, variables_beside_those_of_the_shim_count);
    tcase_add_test(all, an_address_of_errno_does_not_count);
    tcase_add_test(all, a_handle_does_not_count);
    tcase_add_test(all, an_address_on_its_stack_counts);
    tcase_add_loop_test(all, the_guard_of_a_stack, 0, 7);
    tcase_add_test(all, caveat_of_unknown_registers);
    tcase_add_test(all, no_caveat_without_a_reason);
    tcase_add_test(all, a_damaged_list_of_threads);
    tcase_add_test(all, births_of_threads_that_have_not_begun);
    return suite_run("reach_threads", all);
}
