/* Marking in images that are made up. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/ledger.h"
#include "reach/collector.h"
#include "reach_made.h"
#include "snapshot/source.h"
#include "suite.h"

struct case_of_one {
    struct made *made;
    uint64_t object;
    size_t waiter;
};

/* A thread waits for an object in the heap, among others. */
static struct case_of_one one_waiter(void)
{
    struct made *made = made_new();
    made_malloc(made, 100);
    uint64_t object = made_malloc(made, 88);
    made_malloc(made, 40);
    return (struct case_of_one){made, object, made_waiter(made, object + 40)};
}

static void expect(struct case_of_one *of, bool stuck)
{
    made_end_heap(of->made);
    ck_assert_int_eq(made_is_stuck(of->made, of->waiter), stuck);
    made_free(of->made);
}

START_TEST(forgotten)
{
    struct case_of_one of = one_waiter();
    expect(&of, true);
}
END_TEST

START_TEST(own_stack_does_not_count)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, made_on_stack(of.made, of.waiter), of.object);
    of.made->registers[of.waiter][0] = of.object;
    expect(&of, true);
}
END_TEST

START_TEST(kept_in_data)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object);
    expect(&of, false);
}
END_TEST

START_TEST(kept_at_any_byte)
{
    for (uint64_t offset = 0; offset < 40; offset++) {
        struct case_of_one of = one_waiter();
        made_write(of.made, MADE_DATA + 64 + offset, of.object);
        expect(&of, false);
    }
}
END_TEST

START_TEST(kept_in_the_last_bytes)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 4096 - 8, of.object);
    expect(&of, false);
}
END_TEST

START_TEST(kept_as_any_interior_pointer)
{
    for (uint64_t offset = 0; offset < 88; offset++) {
        struct case_of_one of = one_waiter();
        made_write(of.made, MADE_DATA + 64, of.object + offset);
        expect(&of, false);
    }
}
END_TEST

START_TEST(kept_inside_a_large_chunk)
{
    enum { LARGE = 20000 };
    for (uint64_t offset = 0; offset < LARGE; offset += 500) {
        struct case_of_one of = one_waiter();
        uint64_t large = made_malloc(of.made, LARGE);
        made_write(of.made, large + LARGE - 8, of.object);
        made_write(of.made, MADE_DATA + 64, large + offset);
        expect(&of, false);
    }
}
END_TEST

START_TEST(kept_as_one_past_the_end)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object + 88);
    expect(&of, false);
}
END_TEST

START_TEST(kept_with_a_tag)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object | UINT64_C(0xfffe) << 48 | 7);
    expect(&of, false);
}
END_TEST

START_TEST(kept_mangled)
{
    struct case_of_one of = one_waiter();
    uint64_t word = of.object ^ MADE_GUARD;
    made_write(of.made, MADE_DATA + 64, word << 17 | word >> 47);
    expect(&of, false);
}
END_TEST

/* A program that is not position-independent. */
#define LOW UINT64_C(0x4560000)

static struct case_of_one low_waiter(void)
{
    struct made *made = made_new();
    made_region(made, LOW, 512, REACH_PRIVATE);
    return (struct case_of_one){made, LOW + 64, made_waiter(made, LOW + 64)};
}

START_TEST(kept_in_32_bits)
{
    for (uint64_t offset = 0; offset < 4096; offset += 4) {
        struct case_of_one of = low_waiter();
        made_write_bytes(of.made, MADE_DATA + offset, &(uint32_t){(uint32_t)of.object}, 4);
        if (offset + 8 <= 4096)
            made_write_bytes(of.made, MADE_DATA + offset + 4, &(uint32_t){~0u}, 4);
        expect(&of, false);
    }
}
END_TEST

START_TEST(other_32_bits)
{
    struct case_of_one of = low_waiter();
    made_write(of.made, MADE_DATA + 64, ~UINT64_C(0) << 32 | (LOW - 1));
    made_write(of.made, MADE_DATA + 128, ~UINT64_C(0) << 32 | (LOW + 4097));
    made_write(of.made, MADE_DATA + 194, ~UINT64_C(0) << 32 | of.object); /* not aligned */
    expect(&of, true);
}
END_TEST

START_TEST(half_of_a_high_address)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, ~UINT64_C(0) << 32 | (uint32_t)of.object);
    expect(&of, true);
}
END_TEST

START_TEST(neighbours_do_not_count)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object - 1);
    made_write(of.made, MADE_DATA + 72, of.object + 112);
    expect(&of, true);
}
END_TEST

START_TEST(kept_in_a_register)
{
    struct case_of_one of = one_waiter();
    of.made->registers[0][2] = of.object;
    expect(&of, false);
}
END_TEST

START_TEST(kept_in_a_vector_register)
{
    unsigned char vector[16 + REACH_SLACK] = {0};
    struct case_of_one of = one_waiter();
    *(uint64_t *)(void *)(vector + 8) = of.object;
    of.made->threads[0].vectors = vector;
    of.made->threads[0].vector_size = 16;
    expect(&of, false);
}
END_TEST

START_TEST(kept_by_the_kernel)
{
    unsigned char kernel[13 + REACH_SLACK] = {0};
    struct case_of_one of = one_waiter();
    __builtin_memcpy(kernel + 5, &of.object, 8);
    of.made->image.kernel = kernel;
    of.made->image.kernel_size = 13;
    expect(&of, false);
}
END_TEST

START_TEST(kept_on_a_live_stack)
{
    struct case_of_one of = one_waiter();
    size_t runner = made_runner(of.made);
    made_write(of.made, made_on_stack(of.made, runner), of.object);
    expect(&of, false);
}
END_TEST

START_TEST(kept_in_the_red_zone)
{
    struct case_of_one of = one_waiter();
    size_t runner = made_runner(of.made);
    made_write(of.made, of.made->threads[runner].sp - 128, of.object);
    expect(&of, false);
}
END_TEST

START_TEST(below_the_stack_pointer)
{
    struct case_of_one of = one_waiter();
    size_t runner = made_runner(of.made);
    made_write(of.made, of.made->threads[runner].sp - 144, of.object);
    expect(&of, true);
}
END_TEST

START_TEST(on_another_stack_all_counts)
{
    struct case_of_one of = one_waiter();
    size_t runner = made_runner(of.made);
    made_write(of.made, of.made->threads[runner].sp - 144, of.object);
    of.made->threads[runner].sp = MADE_DATA + 512;
    expect(&of, false);
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
        expect(&of, false);
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
    expect(&of, true);
}
END_TEST

START_TEST(a_table_of_a_live_thread_keeps)
{
    struct case_of_one of = one_waiter();
    uint64_t block = made_malloc(of.made, 40);
    make_table(of.made, block);
    made_write(of.made, block, of.object);
    expect(&of, false);
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
    expect(&of, true);
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
        expect(&of, false);
    }
}
END_TEST

START_TEST(a_handle_does_not_count)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, made_on_stack(of.made, of.waiter), of.object);
    made_write(of.made, MADE_DATA + 64, of.made->threads[of.waiter].thread_pointer);
    expect(&of, true);
}
END_TEST

START_TEST(an_address_on_its_stack_counts)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, made_on_stack(of.made, of.waiter) + 8, of.object);
    made_write(of.made, MADE_DATA + 64, made_on_stack(of.made, of.waiter));
    expect(&of, false);
}
END_TEST

START_TEST(through_three_hops)
{
    struct case_of_one of = one_waiter();
    uint64_t first = made_malloc(of.made, 24), second = made_malloc(of.made, 5000);
    made_write(of.made, MADE_DATA + 64, first);
    made_write(of.made, first + 16, second);
    made_write(of.made, second + 4992, MADE_MMAP);
    made_write(of.made, MADE_MMAP + 8, of.object);
    expect(&of, false);
}
END_TEST

START_TEST(an_unreachable_cycle)
{
    struct case_of_one of = one_waiter();
    uint64_t other = made_malloc(of.made, 24);
    made_write(of.made, other, of.object);
    made_write(of.made, of.object, other);
    expect(&of, true);
}
END_TEST

START_TEST(a_free_chunk_does_not_keep)
{
    struct case_of_one of = one_waiter();
    uint64_t freed = made_malloc(of.made, 40);
    made_malloc(of.made, 40);
    made_write(of.made, freed + 24, of.object);
    made_write(of.made, MADE_DATA + 64, freed);
    made_end_heap(of.made);
    made_free_chunk(of.made, freed);
    ck_assert(made_is_stuck(of.made, of.waiter));
    made_free(of.made);
}
END_TEST

/* glibc 2.42: 76 numbers of 16 bits, and as many lists. */
enum { TCACHE_LISTS = 152, TCACHE_BYTES = 760 };

START_TEST(a_calloced_chunk_is_no_tcache)
{
    for (uint64_t at = TCACHE_LISTS; at < TCACHE_BYTES; at += 8) {
        struct case_of_one of = one_waiter();
        uint64_t used = made_malloc(of.made, TCACHE_BYTES);
        made_malloc(of.made, 40);
        made_write(of.made, MADE_DATA + 64, used);
        made_write(of.made, used + at, of.object);
        expect(&of, false);
    }
}
END_TEST

START_TEST(a_tcache_does_not_keep)
{
    enum { BIN = 4 }; /* of chunks with 96 bytes, as the object has */
    struct case_of_one of = one_waiter();
    uint64_t cache = made_malloc(of.made, TCACHE_BYTES);
    made_malloc(of.made, 40);
    for (uint64_t at = 0; at < TCACHE_LISTS; at += 2)
        made_write_bytes(of.made, cache + at, &(uint16_t){at == 2 * BIN ? 6 : 7}, 2);
    made_write(of.made, MADE_DATA + 64, cache);
    made_write(of.made, cache + TCACHE_LISTS + 8 * BIN, of.object);
    made_write(of.made, of.object, of.object >> 12); /* the end of the list */
    expect(&of, true);
}
END_TEST

/* The chunk before the free rest of an arena ends where that rest begins, and malloc has the address of it.
 */
START_TEST(an_arena_does_not_keep_its_last_chunk)
{
    enum { OFFSET_OF_TOP = 96, STATE = 48, OF_ARENA = 4 };
    const uint64_t arena = UINT64_C(0x7e0000000000), state = arena + STATE, chunk = arena + 0x900;
    struct made *made = made_new();
    made_end_heap(made);
    made_region(made, arena, 1024, REACH_PRIVATE);
    made_write(made, arena, state);
    made_write(made, arena + 16, 1024 * 8);
    made_write(made, arena + 24, 1024 * 8);
    made_write(made, chunk + 8, 0x60 | 1 | OF_ARENA);
    made_write(made, chunk + 0x68, (1024 * 8 - 0x960) | 1);
    made_write(made, state + OFFSET_OF_TOP, chunk + 0x60);
    made_write(made, MADE_DATA + 64, state);
    ck_assert(made_is_stuck(made, made_waiter(made, chunk + 32)));
    made_free(made);
}
END_TEST

START_TEST(a_used_chunk_keeps)
{
    struct case_of_one of = one_waiter();
    uint64_t used = made_malloc(of.made, 40);
    made_malloc(of.made, 40);
    made_write(of.made, used + 24, of.object);
    made_write(of.made, MADE_DATA + 64, used);
    expect(&of, false);
}
END_TEST

START_TEST(a_heap_that_does_not_add_up)
{
    struct case_of_one of = one_waiter();
    made_end_heap(of.made);
    made_write(of.made, of.object - 8, 0x1235);
    ck_assert(!made_is_stuck(of.made, of.waiter));
    made_free(of.made);
}
END_TEST

START_TEST(another_allocator)
{
    struct case_of_one of = one_waiter();
    of.made->image.other_allocator = true;
    expect(&of, false);
}
END_TEST

START_TEST(kept_by_a_thread_that_becomes_live)
{
    struct case_of_one of = one_waiter();
    uint64_t object = made_malloc(of.made, 40);
    size_t other = made_waiter(of.made, object);
    made_write(of.made, made_on_stack(of.made, other), of.object);
    made_write(of.made, MADE_DATA + 64, object);
    expect(&of, false);
}
END_TEST

START_TEST(two_that_know_only_each_other)
{
    struct case_of_one of = one_waiter();
    uint64_t object = made_malloc(of.made, 40);
    size_t other = made_waiter(of.made, object);
    made_write(of.made, made_on_stack(of.made, other), of.object);
    made_write(of.made, made_on_stack(of.made, of.waiter), object);
    expect(&of, true);
}
END_TEST

START_TEST(a_lock_is_reachable_through_its_owner_only)
{
    struct case_of_one of = one_waiter();
    struct reach_thread *waiter = &of.made->threads[of.waiter];
    made_write(of.made, MADE_DATA + 64, of.object);
    waiter->need = REACH_NEEDS_THREAD;
    waiter->owner = of.waiter;
    expect(&of, true);
}
END_TEST

START_TEST(the_owner_can_run)
{
    struct case_of_one of = one_waiter();
    of.made->threads[of.waiter].need = REACH_NEEDS_THREAD;
    of.made->threads[of.waiter].owner = 0;
    expect(&of, false);
}
END_TEST

START_TEST(the_thread_that_ends_the_process)
{
    struct case_of_one of = one_waiter();
    of.made->threads[0].need = REACH_NEEDS_NEVER;
    made_write(of.made, MADE_STACK + 3000, of.object);
    of.made->registers[0][1] = of.object;
    expect(&of, true);
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
    TCase *all = tcase_create("reach");
    tcase_add_test(all, forgotten);
    tcase_add_test(all, own_stack_does_not_count);
    tcase_add_test(all, kept_in_data);
    tcase_add_test(all, kept_at_any_byte);
    tcase_add_test(all, kept_in_the_last_bytes);
    tcase_add_test(all, kept_as_any_interior_pointer);
    tcase_add_test(all, kept_inside_a_large_chunk);
    tcase_add_test(all, kept_as_one_past_the_end);
    tcase_add_test(all, kept_with_a_tag);
    tcase_add_test(all, kept_mangled);
    tcase_add_test(all, kept_in_32_bits);
    tcase_add_test(all, other_32_bits);
    tcase_add_test(all, half_of_a_high_address);
    tcase_add_test(all, births_of_threads_that_have_not_begun);
    tcase_add_test(all, neighbours_do_not_count);
    tcase_add_test(all, kept_in_a_register);
    tcase_add_test(all, kept_in_a_vector_register);
    tcase_add_test(all, kept_by_the_kernel);
    tcase_add_test(all, kept_on_a_live_stack);
    tcase_add_test(all, kept_in_the_red_zone);
    tcase_add_test(all, below_the_stack_pointer);
    tcase_add_test(all, on_another_stack_all_counts);
    tcase_add_test(all, kept_in_tls_and_descriptor);
    tcase_add_test(all, a_table_of_tls_does_not_keep);
    tcase_add_test(all, a_table_of_a_live_thread_keeps);
    tcase_add_test(all, variables_of_the_shim_do_not_count);
    tcase_add_test(all, variables_beside_those_of_the_shim_count);
    tcase_add_test(all, a_handle_does_not_count);
    tcase_add_test(all, an_address_on_its_stack_counts);
    tcase_add_test(all, through_three_hops);
    tcase_add_test(all, an_unreachable_cycle);
    tcase_add_test(all, a_free_chunk_does_not_keep);
    tcase_add_test(all, a_calloced_chunk_is_no_tcache);
    tcase_add_test(all, a_tcache_does_not_keep);
    tcase_add_test(all, an_arena_does_not_keep_its_last_chunk);
    tcase_add_test(all, a_used_chunk_keeps);
    tcase_add_test(all, a_heap_that_does_not_add_up);
    tcase_add_test(all, another_allocator);
    tcase_add_test(all, kept_by_a_thread_that_becomes_live);
    tcase_add_test(all, two_that_know_only_each_other);
    tcase_add_test(all, a_lock_is_reachable_through_its_owner_only);
    tcase_add_test(all, the_owner_can_run);
    tcase_add_test(all, the_thread_that_ends_the_process);
    tcase_add_test(all, caveat_of_unknown_registers);
    tcase_add_test(all, no_caveat_without_a_reason);
    tcase_add_test(all, a_damaged_list_of_threads);
    return suite_run("reach", all);
}
