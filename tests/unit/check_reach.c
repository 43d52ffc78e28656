/* Marking in images that are made up: words that are references, and chunks of malloc. */
#include <check.h>
#include <string.h>

#include "reach_made.h"
#include "suite.h"

START_TEST(forgotten)
{
    struct case_of_one of = one_waiter();
    expect_stuck(&of, true);
}
END_TEST

START_TEST(own_stack_does_not_count)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, made_on_stack(of.made, of.waiter), of.object);
    of.made->registers[of.waiter][0] = of.object;
    expect_stuck(&of, true);
}
END_TEST

START_TEST(kept_in_data)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_at_any_byte)
{
    for (uint64_t offset = 0; offset < 40; offset++) {
        struct case_of_one of = one_waiter();
        made_write(of.made, MADE_DATA + 64 + offset, of.object);
        expect_stuck(&of, false);
    }
}
END_TEST

START_TEST(kept_in_the_last_bytes)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 4096 - 8, of.object);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_as_any_interior_pointer)
{
    for (uint64_t offset = 0; offset < 88; offset++) {
        struct case_of_one of = one_waiter();
        made_write(of.made, MADE_DATA + 64, of.object + offset);
        expect_stuck(&of, false);
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
        expect_stuck(&of, false);
    }
}
END_TEST

START_TEST(kept_as_one_past_the_end)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object + 88);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_with_a_tag)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object | UINT64_C(0xfffe) << 48 | 7);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(kept_mangled)
{
    struct case_of_one of = one_waiter();
    uint64_t word = of.object ^ MADE_GUARD;
    made_write(of.made, MADE_DATA + 64, word << 17 | word >> 47);
    expect_stuck(&of, false);
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
        expect_stuck(&of, false);
    }
}
END_TEST

START_TEST(other_32_bits)
{
    struct case_of_one of = low_waiter();
    made_write(of.made, MADE_DATA + 64, ~UINT64_C(0) << 32 | (LOW - 1));
    made_write(of.made, MADE_DATA + 128, ~UINT64_C(0) << 32 | (LOW + 4097));
    made_write(of.made, MADE_DATA + 194, ~UINT64_C(0) << 32 | of.object); /* not aligned */
    expect_stuck(&of, true);
}
END_TEST

START_TEST(half_of_a_high_address)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, ~UINT64_C(0) << 32 | (uint32_t)of.object);
    expect_stuck(&of, true);
}
END_TEST

START_TEST(neighbours_do_not_count)
{
    struct case_of_one of = one_waiter();
    made_write(of.made, MADE_DATA + 64, of.object - 1);
    made_write(of.made, MADE_DATA + 72, of.object + 112);
    expect_stuck(&of, true);
}
END_TEST

START_TEST(a_free_chunk_does_not_keep)
{
    struct case_of_one of = one_waiter();
    uint64_t freed = made_malloc(of.made, 40);
    made_malloc(of.made, 40);
    made_write(of.made, freed + 24, of.object);
    made_write(of.made, MADE_DATA + 64, freed);
    made_free_chunk(of.made, freed);
    expect_stuck(&of, true);
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
        expect_stuck(&of, false);
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
    expect_stuck(&of, true);
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

/* When a thread ends, malloc frees its cache, the first chunk of the arena, and clears the flag of the arena.
 */
START_TEST(an_arena_whose_first_chunk_is_free)
{
    enum { STATE = 48, OF_ARENA = 4, FREE = 0x290 };
    const uint64_t arena = UINT64_C(0x7e0000000000), state = arena + STATE, first = arena + 0x900;
    const uint64_t chunk = first + FREE;
    for (int damaged = 0; damaged < 2; damaged++) {
        struct made *made = made_new();
        made_end_heap(made);
        made_region(made, arena, 1024, REACH_PRIVATE);
        made_write(made, arena, state);
        made_write(made, arena + 16, 1024 * 8);
        made_write(made, arena + 24, 1024 * 8);
        made_write(made, first + 8, FREE | 1);
        made_write(made, chunk, (uint64_t)(damaged ? FREE + 16 : FREE));
        made_write(made, chunk + 8, 0x60 | OF_ARENA);
        made_write(made, chunk + 0x68, (1024 * 8 - 0x900 - FREE - 0x60) | 1);
        made_write(made, MADE_DATA + 64, state);
        ck_assert(made_is_stuck(made, made_waiter(made, chunk + 32)) == !damaged);
        made_free(made);
    }
}
END_TEST

START_TEST(a_used_chunk_keeps)
{
    struct case_of_one of = one_waiter();
    uint64_t used = made_malloc(of.made, 40);
    made_malloc(of.made, 40);
    made_write(of.made, used + 24, of.object);
    made_write(of.made, MADE_DATA + 64, used);
    expect_stuck(&of, false);
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
    expect_stuck(&of, false);
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
    tcase_add_test(all, neighbours_do_not_count);
    tcase_add_test(all, a_free_chunk_does_not_keep);
    tcase_add_test(all, a_calloced_chunk_is_no_tcache);
    tcase_add_test(all, a_tcache_does_not_keep);
    tcase_add_test(all, an_arena_does_not_keep_its_last_chunk);
    tcase_add_test(all, an_arena_whose_first_chunk_is_free);
    tcase_add_test(all, a_used_chunk_keeps);
    tcase_add_test(all, a_heap_that_does_not_add_up);
    tcase_add_test(all, another_allocator);
    return suite_run("reach", all);
}
