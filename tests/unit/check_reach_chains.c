/* Marking in images that are made up: through other objects, through threads that wait as well, and at the
 * end of the process. */
#include <check.h>

#include "reach_made.h"
#include "suite.h"

START_TEST(through_three_hops)
{
    struct case_of_one of = one_waiter();
    uint64_t first = made_malloc(of.made, 24), second = made_malloc(of.made, 5000);
    made_write(of.made, MADE_DATA + 64, first);
    made_write(of.made, first + 16, second);
    made_write(of.made, second + 4992, MADE_MMAP);
    made_write(of.made, MADE_MMAP + 8, of.object);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(an_unreachable_cycle)
{
    struct case_of_one of = one_waiter();
    uint64_t other = made_malloc(of.made, 24);
    made_write(of.made, other, of.object);
    made_write(of.made, of.object, other);
    expect_stuck(&of, true);
}
END_TEST

START_TEST(kept_by_a_thread_that_becomes_live)
{
    struct case_of_one of = one_waiter();
    uint64_t object = made_malloc(of.made, 40);
    size_t other = made_waiter(of.made, object);
    made_write(of.made, made_on_stack(of.made, other), of.object);
    made_write(of.made, MADE_DATA + 64, object);
    expect_stuck(&of, false);
}
END_TEST

START_TEST(two_that_know_only_each_other)
{
    struct case_of_one of = one_waiter();
    uint64_t object = made_malloc(of.made, 40);
    size_t other = made_waiter(of.made, object);
    made_write(of.made, made_on_stack(of.made, other), of.object);
    made_write(of.made, made_on_stack(of.made, of.waiter), object);
    expect_stuck(&of, true);
}
END_TEST

START_TEST(a_lock_is_reachable_through_its_owner_only)
{
    struct case_of_one of = one_waiter();
    struct reach_thread *waiter = &of.made->threads[of.waiter];
    made_write(of.made, MADE_DATA + 64, of.object);
    waiter->need = REACH_NEEDS_THREAD;
    waiter->owner = of.waiter;
    expect_stuck(&of, true);
}
END_TEST

START_TEST(the_owner_can_run)
{
    struct case_of_one of = one_waiter();
    of.made->threads[of.waiter].need = REACH_NEEDS_THREAD;
    of.made->threads[of.waiter].owner = 0;
    expect_stuck(&of, false);
}
END_TEST

START_TEST(the_thread_that_ends_the_process)
{
    struct case_of_one of = one_waiter();
    of.made->threads[0].need = REACH_NEEDS_NEVER;
    made_write(of.made, MADE_STACK + 3000, of.object);
    of.made->registers[0][1] = of.object;
    expect_stuck(&of, true);
}
END_TEST

/* For pthread_exit it keeps the address of its oldest frame, in its descriptor. Others may refer to its
 * frames.
 */
START_TEST(the_oldest_frame_of_the_thread_that_ends_the_process)
{
    struct case_of_one of = one_waiter();
    uint64_t frame = MADE_STACK + 3000, at = of.made->threads[0].thread_pointer + 0x300;
    of.made->threads[0].need = REACH_NEEDS_NEVER;
    made_write(of.made, frame, of.object);
    made_write(of.made, _i ? MADE_DATA + 64 : at, frame + 64);
    expect_stuck(&of, !_i);
}
END_TEST

/* It left what is below the frames of the program, though somebody refers to its stack. */
START_TEST(frames_that_are_over_when_the_process_ends)
{
    static const struct {
        uint64_t end_sp;
        bool stuck;
    } cases[] = {{0, false}, {MADE_STACK + 3000, false}, {MADE_STACK + 3008, true}, {UINT64_MAX, true}};
    struct case_of_one of = one_waiter();
    of.made->threads[0].need = REACH_NEEDS_NEVER;
    of.made->threads[0].sp = MADE_DATA + 512;
    of.made->image.end_sp = cases[_i].end_sp;
    made_write(of.made, MADE_STACK + 3000, of.object);
    made_write(of.made, MADE_DATA + 64, MADE_STACK + 3500);
    expect_stuck(&of, cases[_i].stuck);
}
END_TEST

/* The guard of a stack, which Rust's library keeps, is no reference to the stack; its other pages are. */
int main(void)
{
    TCase *all = tcase_create("reach_chains");
    tcase_add_test(all, through_three_hops);
    tcase_add_test(all, an_unreachable_cycle);
    tcase_add_test(all, kept_by_a_thread_that_becomes_live);
    tcase_add_test(all, two_that_know_only_each_other);
    tcase_add_test(all, a_lock_is_reachable_through_its_owner_only);
    tcase_add_test(all, the_owner_can_run);
    tcase_add_test(all, the_thread_that_ends_the_process);
    tcase_add_loop_test(all, the_oldest_frame_of_the_thread_that_ends_the_process, 0, 2);
    tcase_add_loop_test(all, frames_that_are_over_when_the_process_ends, 0, 4);
    return suite_run("reach_chains", all);
}
