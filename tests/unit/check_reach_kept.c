/* Where handles are stored, in images that are made up. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "reach/reach.h"
#include "reach_made.h"
#include "suite.h"

/* A thread that has ended, and one that can run. */
static struct {
    struct made *made;
    struct reach_handle handles[2];
    uint64_t ended, running;
    size_t runner;
} two;

static int by_handle(const void *left, const void *right)
{
    const struct reach_handle *a = left, *b = right;
    return (a->handle > b->handle) - (a->handle < b->handle);
}

static void setup(void)
{
    two.made = made_new();
    two.ended = made_ended(two.made, false);
    two.runner = made_runner(two.made);
    two.running = two.made->threads[two.runner].thread_pointer;
    two.handles[0].handle = two.ended;
    two.handles[1].handle = two.running;
    qsort(two.handles, 2, sizeof(*two.handles), by_handle);
    two.made->image.handles = two.handles;
    two.made->image.handle_count = 2;
}

static void teardown(void)
{
    made_free(two.made);
}

static const struct reach_handle *handle_of(uint64_t handle)
{
    return two.handles[0].handle == handle ? &two.handles[0] : &two.handles[1];
}

static void mark(void)
{
    made_end_heap(two.made);
    ck_assert(reach_blocks_find(&two.made->image));
    ck_assert(reach_mark(&two.made->image));
}

/* Both are stored there. */
static void expect(enum reach_keeper keeper, uint64_t at)
{
    const uint64_t handles[] = {two.ended, two.running};
    for (size_t i = 0; i < 2; i++) {
        const struct reach_handle *handle = handle_of(handles[i]);
        ck_assert(handle->known);
        ck_assert_int_eq(handle->keeper, keeper);
        if (at)
            ck_assert_uint_eq(handle->at, at + 8 * i);
    }
}

static void write_both(uint64_t at)
{
    made_write(two.made, at, two.ended);
    made_write(two.made, at + 8, two.running);
}

START_TEST(nowhere)
{
    mark();
    expect(REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_data)
{
    write_both(MADE_DATA + 64);
    mark();
    expect(REACH_KEPT_DATA, MADE_DATA + 64);
}
END_TEST

/* Memory is scanned in blocks. */
START_TEST(across_the_end_of_a_block)
{
    const uint64_t start = MADE_HEAP + 0x200000, at = start + (1 << 16) - (uint64_t)_i;
    made_region(two.made, start, 1 << 14, REACH_ROOT);
    write_both(at);
    mark();
    expect(REACH_KEPT_DATA, at);
}
END_TEST

/* _IO_lock_t */
static void write_lock(uint64_t lock, uint64_t owner)
{
    made_write(two.made, lock, UINT64_C(1) << 32 | 2);
    made_write(two.made, lock + 8, owner);
}

START_TEST(as_owners_of_locks)
{
    uint64_t file = made_malloc(two.made, 472);
    made_write(two.made, MADE_DATA + 64, file);
    made_write(two.made, file, 0xfbad2488);
    made_write(two.made, file + 136, file + 224);
    write_lock(file + 224, two.ended);
    write_lock(MADE_LIBC + 3072, two.running);
    mark();
    expect(REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(as_owners_and_behind_the_locks)
{
    write_lock(MADE_LIBC + 3072, two.ended);
    write_lock(MADE_LIBC + 3088, two.running);
    write_both(MADE_LIBC + 3120);
    mark();
    expect(REACH_KEPT_DATA, MADE_LIBC + 3120);
}
END_TEST

/* A lock that nobody holds, and one of the program, which looks the same. */
START_TEST(in_what_is_no_lock_of_libc)
{
    uint64_t at = _i ? MADE_DATA + 64 : MADE_LIBC + 3072;
    made_write(two.made, at - 8, _i ? UINT64_C(1) << 32 | 1 : 0);
    write_both(at);
    mark();
    expect(REACH_KEPT_DATA, at);
}
END_TEST

START_TEST(with_a_tag)
{
    two.ended |= UINT64_C(3) << 60 | 5;
    write_both(MADE_DATA + 64);
    two.ended = (two.ended << 16 >> 16) & ~UINT64_C(7);
    mark();
    expect(REACH_KEPT_DATA, MADE_DATA + 64);
}
END_TEST

START_TEST(as_a_pointer_into_the_descriptor)
{
    made_write(two.made, MADE_DATA + 64, two.ended + 8);
    made_write(two.made, MADE_DATA + 72, two.running + 704);
    mark();
    expect(REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_reachable_heap)
{
    uint64_t object = made_malloc(two.made, 40);
    write_both(object + 16);
    made_write(two.made, MADE_DATA + 64, object);
    mark();
    expect(REACH_KEPT_HEAP, object + 16);
}
END_TEST

START_TEST(in_heap_that_nothing_refers_to)
{
    write_both(made_malloc(two.made, 40));
    mark();
    expect(REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_data_and_heap)
{
    uint64_t object = made_malloc(two.made, 40);
    write_both(object + 16);
    made_write(two.made, MADE_DATA + 32, object);
    write_both(MADE_DATA + 64);
    mark();
    expect(REACH_KEPT_DATA, MADE_DATA + 64);
}
END_TEST

START_TEST(on_the_main_thread)
{
    write_both(MADE_STACK + 3000);
    mark();
    expect(REACH_KEPT_STACK, MADE_STACK + 3000);
}
END_TEST

START_TEST(in_a_register)
{
    two.made->registers[0][1] = two.ended;
    two.made->registers[0][2] = two.running;
    mark();
    expect(REACH_KEPT_REGISTER, 0);
}
END_TEST

/* A thread that can never go on stores them, too. */
START_TEST(on_a_thread_that_is_stuck)
{
    size_t waiter = made_waiter(two.made, made_malloc(two.made, 40));
    write_both(made_on_stack(two.made, waiter));
    mark();
    ck_assert(!two.made->threads[waiter].live);
    expect(REACH_KEPT_STACK, made_on_stack(two.made, waiter));
}
END_TEST

START_TEST(what_it_stores_about_itself)
{
    made_write(two.made, made_on_stack(two.made, two.runner), two.running);
    made_write(two.made, two.running + 16, two.running);
    made_write(two.made, two.running - 16, two.running);
    two.made->registers[two.runner][0] = two.running;
    mark();
    expect(REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_the_descriptor_of_another_one)
{
    size_t other = made_runner(two.made);
    write_both(two.made->threads[other].thread_pointer + 784);
    mark();
    expect(REACH_KEPT_DESCRIPTOR, two.made->threads[other].thread_pointer + 784);
}
END_TEST

START_TEST(the_thread_that_joins_another_one)
{
    size_t other = made_runner(two.made);
    made_write(two.made, two.made->threads[other].thread_pointer + 784, two.running);
    two.made->threads[two.runner].need = REACH_NEEDS_THREAD;
    two.made->threads[two.runner].owner = other;
    mark();
    expect(REACH_KEPT_NOWHERE, 0);
}
END_TEST

/* Frames of the thread that ends the process count from this one on. */
START_TEST(in_frames_that_are_over)
{
    two.made->threads[0].need = REACH_NEEDS_NEVER;
    two.made->image.end_sp = _i ? MADE_STACK + 3008 : MADE_STACK + 3000;
    write_both(MADE_STACK + 3000);
    made_write(two.made, MADE_STACK + 3008, _i ? 0 : two.running);
    mark();
    expect(_i ? REACH_KEPT_NOWHERE : REACH_KEPT_STACK, _i ? 0 : MADE_STACK + 3000);
}
END_TEST

START_TEST(by_the_kernel)
{
    unsigned char kernel[16 + REACH_SLACK] = {0};
    memcpy(kernel, &two.ended, 8);
    memcpy(kernel + 8, &two.running, 8);
    two.made->image.kernel = kernel;
    two.made->image.kernel_size = 16;
    mark();
    expect(REACH_KEPT_KERNEL, 0);
}
END_TEST

START_TEST(a_thread_that_was_joined_is_not_known)
{
    for (size_t i = 0; i < 2; i++)
        if (two.handles[i].handle == two.ended)
            two.handles[i].handle = made_ended(two.made, true);
    qsort(two.handles, 2, sizeof(*two.handles), by_handle);
    mark();
    ck_assert_int_eq(two.handles[0].known + two.handles[1].known, 1);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("reach_kept");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, nowhere);
    tcase_add_test(all, in_data);
    tcase_add_loop_test(all, across_the_end_of_a_block, 0, 16);
    tcase_add_test(all, as_owners_of_locks);
    tcase_add_test(all, as_owners_and_behind_the_locks);
    tcase_add_loop_test(all, in_what_is_no_lock_of_libc, 0, 2);
    tcase_add_test(all, with_a_tag);
    tcase_add_test(all, as_a_pointer_into_the_descriptor);
    tcase_add_test(all, in_reachable_heap);
    tcase_add_test(all, in_heap_that_nothing_refers_to);
    tcase_add_test(all, in_data_and_heap);
    tcase_add_test(all, on_the_main_thread);
    tcase_add_test(all, in_a_register);
    tcase_add_test(all, on_a_thread_that_is_stuck);
    tcase_add_test(all, what_it_stores_about_itself);
    tcase_add_test(all, in_the_descriptor_of_another_one);
    tcase_add_test(all, the_thread_that_joins_another_one);
    tcase_add_loop_test(all, in_frames_that_are_over, 0, 2);
    tcase_add_test(all, by_the_kernel);
    tcase_add_test(all, a_thread_that_was_joined_is_not_known);
    return suite_run("reach_kept", all);
}
