/* Where handles are stored, in images that are made up. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "reach/reach.h"
#include "reach_made.h"
#include "suite.h"

/* A thread that has ended, and one that can run. */
struct case_of_two {
    struct made *made;
    struct reach_handle handles[2];
    uint64_t ended, running;
    size_t runner;
};

static int by_handle(const void *left, const void *right)
{
    const struct reach_handle *a = left, *b = right;
    return (a->handle > b->handle) - (a->handle < b->handle);
}

static struct case_of_two *two_threads(void)
{
    struct case_of_two *of = calloc(1, sizeof(*of));
    ck_assert_ptr_nonnull(of);
    of->made = made_new();
    of->ended = made_ended(of->made, false);
    of->runner = made_runner(of->made);
    of->running = of->made->threads[of->runner].thread_pointer;
    of->handles[0].handle = of->ended;
    of->handles[1].handle = of->running;
    qsort(of->handles, 2, sizeof(*of->handles), by_handle);
    of->made->image.handles = of->handles;
    of->made->image.handle_count = 2;
    return of;
}

static const struct reach_handle *handle_of(const struct case_of_two *of, uint64_t handle)
{
    return of->handles[0].handle == handle ? &of->handles[0] : &of->handles[1];
}

static void mark(struct case_of_two *of)
{
    made_end_heap(of->made);
    ck_assert(reach_blocks_find(&of->made->image));
    ck_assert(reach_mark(&of->made->image));
}

static void release(struct case_of_two *of)
{
    made_free(of->made);
    free(of);
}

/* Both are stored there. */
static void expect(struct case_of_two *of, enum reach_keeper keeper, uint64_t at)
{
    const uint64_t handles[] = {of->ended, of->running};
    for (size_t i = 0; i < 2; i++) {
        const struct reach_handle *handle = handle_of(of, handles[i]);
        ck_assert(handle->known);
        ck_assert_int_eq(handle->keeper, keeper);
        if (at)
            ck_assert_uint_eq(handle->at, at + 8 * i);
    }
    release(of);
}

static void write_both(struct case_of_two *of, uint64_t at)
{
    made_write(of->made, at, of->ended);
    made_write(of->made, at + 8, of->running);
}

START_TEST(nowhere)
{
    struct case_of_two *of = two_threads();
    mark(of);
    expect(of, REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_data)
{
    struct case_of_two *of = two_threads();
    write_both(of, MADE_DATA + 64);
    mark(of);
    expect(of, REACH_KEPT_DATA, MADE_DATA + 64);
}
END_TEST

/* Memory is scanned in blocks. */
START_TEST(across_the_end_of_a_block)
{
    const uint64_t start = MADE_HEAP + 0x200000, at = start + (1 << 16) - (uint64_t)_i;
    struct case_of_two *of = two_threads();
    made_region(of->made, start, 1 << 14, REACH_ROOT);
    write_both(of, at);
    mark(of);
    expect(of, REACH_KEPT_DATA, at);
}
END_TEST

/* _IO_lock_t */
static void write_lock(struct case_of_two *of, uint64_t lock, uint64_t owner)
{
    made_write(of->made, lock, UINT64_C(1) << 32 | 2);
    made_write(of->made, lock + 8, owner);
}

START_TEST(as_owners_of_locks)
{
    struct case_of_two *of = two_threads();
    uint64_t file = made_malloc(of->made, 472);
    made_write(of->made, MADE_DATA + 64, file);
    made_write(of->made, file, 0xfbad2488);
    made_write(of->made, file + 136, file + 224);
    write_lock(of, file + 224, of->ended);
    write_lock(of, MADE_LIBC + 3072, of->running);
    mark(of);
    expect(of, REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(as_owners_and_behind_the_locks)
{
    struct case_of_two *of = two_threads();
    write_lock(of, MADE_LIBC + 3072, of->ended);
    write_lock(of, MADE_LIBC + 3088, of->running);
    write_both(of, MADE_LIBC + 3120);
    mark(of);
    expect(of, REACH_KEPT_DATA, MADE_LIBC + 3120);
}
END_TEST

/* A lock that nobody holds, and one of the program, which looks the same. */
START_TEST(in_what_is_no_lock_of_libc)
{
    struct case_of_two *of = two_threads();
    uint64_t at = _i ? MADE_DATA + 64 : MADE_LIBC + 3072;
    made_write(of->made, at - 8, _i ? UINT64_C(1) << 32 | 1 : 0);
    write_both(of, at);
    mark(of);
    expect(of, REACH_KEPT_DATA, at);
}
END_TEST

START_TEST(with_a_tag)
{
    struct case_of_two *of = two_threads();
    of->ended |= UINT64_C(3) << 60 | 5;
    write_both(of, MADE_DATA + 64);
    of->ended = (of->ended << 16 >> 16) & ~UINT64_C(7);
    mark(of);
    expect(of, REACH_KEPT_DATA, MADE_DATA + 64);
}
END_TEST

START_TEST(as_a_pointer_into_the_descriptor)
{
    struct case_of_two *of = two_threads();
    made_write(of->made, MADE_DATA + 64, of->ended + 8);
    made_write(of->made, MADE_DATA + 72, of->running + 704);
    mark(of);
    expect(of, REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_reachable_heap)
{
    struct case_of_two *of = two_threads();
    uint64_t object = made_malloc(of->made, 40);
    write_both(of, object + 16);
    made_write(of->made, MADE_DATA + 64, object);
    mark(of);
    expect(of, REACH_KEPT_HEAP, object + 16);
}
END_TEST

START_TEST(in_heap_that_nothing_refers_to)
{
    struct case_of_two *of = two_threads();
    write_both(of, made_malloc(of->made, 40));
    mark(of);
    expect(of, REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_data_and_heap)
{
    struct case_of_two *of = two_threads();
    uint64_t object = made_malloc(of->made, 40);
    write_both(of, object + 16);
    made_write(of->made, MADE_DATA + 32, object);
    write_both(of, MADE_DATA + 64);
    mark(of);
    expect(of, REACH_KEPT_DATA, MADE_DATA + 64);
}
END_TEST

START_TEST(on_the_main_thread)
{
    struct case_of_two *of = two_threads();
    write_both(of, MADE_STACK + 3000);
    mark(of);
    expect(of, REACH_KEPT_STACK, MADE_STACK + 3000);
}
END_TEST

START_TEST(in_a_register)
{
    struct case_of_two *of = two_threads();
    of->made->registers[0][1] = of->ended;
    of->made->registers[0][2] = of->running;
    mark(of);
    expect(of, REACH_KEPT_REGISTER, 0);
}
END_TEST

/* A thread that can never go on stores them, too. */
START_TEST(on_a_thread_that_is_stuck)
{
    struct case_of_two *of = two_threads();
    size_t waiter = made_waiter(of->made, made_malloc(of->made, 40));
    write_both(of, made_on_stack(of->made, waiter));
    mark(of);
    ck_assert(!of->made->threads[waiter].live);
    expect(of, REACH_KEPT_STACK, made_on_stack(of->made, waiter));
}
END_TEST

START_TEST(what_it_stores_about_itself)
{
    struct case_of_two *of = two_threads();
    made_write(of->made, made_on_stack(of->made, of->runner), of->running);
    made_write(of->made, of->running + 16, of->running);
    made_write(of->made, of->running - 16, of->running);
    of->made->registers[of->runner][0] = of->running;
    mark(of);
    expect(of, REACH_KEPT_NOWHERE, 0);
}
END_TEST

START_TEST(in_the_descriptor_of_another_one)
{
    struct case_of_two *of = two_threads();
    size_t other = made_runner(of->made);
    write_both(of, of->made->threads[other].thread_pointer + 784);
    mark(of);
    expect(of, REACH_KEPT_DESCRIPTOR, of->made->threads[other].thread_pointer + 784);
}
END_TEST

START_TEST(the_thread_that_joins_another_one)
{
    struct case_of_two *of = two_threads();
    size_t other = made_runner(of->made);
    made_write(of->made, of->made->threads[other].thread_pointer + 784, of->running);
    of->made->threads[of->runner].need = REACH_NEEDS_THREAD;
    of->made->threads[of->runner].owner = other;
    mark(of);
    expect(of, REACH_KEPT_NOWHERE, 0);
}
END_TEST

/* Frames of the thread that ends the process count from this one on. */
START_TEST(in_frames_that_are_over)
{
    struct case_of_two *of = two_threads();
    of->made->threads[0].need = REACH_NEEDS_NEVER;
    of->made->image.end_sp = _i ? MADE_STACK + 3008 : MADE_STACK + 3000;
    write_both(of, MADE_STACK + 3000);
    made_write(of->made, MADE_STACK + 3008, _i ? 0 : of->running);
    mark(of);
    expect(of, _i ? REACH_KEPT_NOWHERE : REACH_KEPT_STACK, _i ? 0 : MADE_STACK + 3000);
}
END_TEST

START_TEST(by_the_kernel)
{
    unsigned char kernel[16 + REACH_SLACK] = {0};
    struct case_of_two *of = two_threads();
    memcpy(kernel, &of->ended, 8);
    memcpy(kernel + 8, &of->running, 8);
    of->made->image.kernel = kernel;
    of->made->image.kernel_size = 16;
    mark(of);
    expect(of, REACH_KEPT_KERNEL, 0);
}
END_TEST

START_TEST(a_thread_that_was_joined_is_not_known)
{
    struct case_of_two *of = two_threads();
    for (size_t i = 0; i < 2; i++)
        if (of->handles[i].handle == of->ended)
            of->handles[i].handle = made_ended(of->made, true);
    qsort(of->handles, 2, sizeof(*of->handles), by_handle);
    mark(of);
    ck_assert_int_eq(of->handles[0].known + of->handles[1].known, 1);
    release(of);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("reach_kept");
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
