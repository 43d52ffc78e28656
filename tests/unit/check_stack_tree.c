/* Stacks merged from the outermost frame: what is one branch, their order, and which branch is odd. */
#include <stdlib.h>
#include <string.h>

#include "report/tree/stack_tree.h"
#include "suite.h"

#define THREADS_MAX 32

static const struct report_style style = {.others = true};
static struct frame frames[THREADS_MAX][4];
static struct shared_stack stacks[THREADS_MAX];
static struct thread_stack currents[THREADS_MAX];
static struct thread_info threads[THREADS_MAX];
static struct leak_group group = {.kind = LEAK_RUNNING, .threads = threads};
static struct process_report process = {.watched = true, .groups = &group, .group_count = 1};

/* "main serve read": outermost first; the line is that of the innermost frame. */
static void add(const char *functions, int line)
{
    static char names[THREADS_MAX][128];
    size_t index = group.thread_count++, count = 0;
    char *words[4];
    strcpy(names[index], functions);
    for (char *word = strtok(names[index], " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    for (size_t i = 0; i < count; i++)
        frames[index][i] = (struct frame){.function = words[count - 1 - i], .line = i ? 7 : line};
    stacks[index] = (struct shared_stack){.frames = frames[index], .count = count};
    currents[index] =
        (struct thread_stack){.stack = &stacks[index], .idle_s = -1, .wait = {.on = WAIT_MUTEX}};
    threads[index] = (struct thread_info){.id = index + 2, .current = &currents[index]};
}

static void set_up(void)
{
    group.thread_count = 0;
    process.judged = group.counted = false;
    process.main = NULL;
}

static struct stack_tree made(void)
{
    struct members members;
    struct stack_tree tree;
    ck_assert(members_find(&members, &process, &style));
    ck_assert(stack_tree_make(&tree, &members, NULL, &style));
    free(members.items);
    return tree;
}

/* The branches of all threads at a depth. */
static struct tree_ranges split(const struct stack_tree *tree, size_t depth)
{
    struct tree_ranges ranges;
    struct tree_range all = tree_part(tree, false);
    ck_assert(tree_split(&ranges, &all, depth));
    return ranges;
}

START_TEST(equal_functions_are_one_branch_at_any_line)
{
    add("main serve", 10);
    add("main serve", 20);
    add("main accept", 30);
    struct stack_tree tree = made();
    struct tree_range all = tree_part(&tree, false);
    ck_assert_uint_eq(all.count, 3);
    ck_assert_uint_eq(tree_common_depth(&all, 0), 1);
    struct tree_ranges ranges = split(&tree, 1);
    ck_assert_uint_eq(ranges.count, 2);
    ck_assert_uint_eq(ranges.items[0].count, 2);
    ck_assert_str_eq(ranges.items[0].entries[0].frames[1]->function, "serve");
    ck_assert(!tree_ends(&all, 1) && tree_ends(&ranges.items[0], 2));
    struct tree_ranges ends;
    ck_assert(tree_split(&ends, &ranges.items[0], 2));
    ck_assert_uint_eq(ends.count, 2); /* one for each line */
    free(ends.items);
    free(ranges.items);
    stack_tree_release(&tree);
}
END_TEST

START_TEST(different_waits_are_different_ends)
{
    add("main serve", 10);
    add("main serve", 10);
    add("main serve", 10);
    currents[2].wait.on = WAIT_NONE;
    currents[2].wait.running = true;
    struct stack_tree tree = made();
    struct tree_ranges ranges = split(&tree, 2);
    ck_assert_uint_eq(ranges.count, 2);
    ck_assert_uint_eq(ranges.items[0].count, 2);
    free(ranges.items);
    stack_tree_release(&tree);
}
END_TEST

START_TEST(one_name_for_two_lambdas_is_two_functions)
{
    add("main::{lambda} wait", 1);
    add("main::{lambda} wait", 1);
    frames[1][1].line = 8;
    struct stack_tree tree = made();
    struct tree_ranges ranges = split(&tree, 0);
    ck_assert_uint_eq(ranges.count, 2);
    free(ranges.items);
    stack_tree_release(&tree);
}
END_TEST

static bool last_is_odd(void)
{
    struct stack_tree tree = made();
    struct tree_ranges ranges = split(&tree, 1);
    bool odd = tree_is_odd(&ranges, &ranges.items[ranges.count - 1]);
    ck_assert(!tree_is_odd(&ranges, &ranges.items[0]));
    free(ranges.items);
    stack_tree_release(&tree);
    return odd;
}

START_TEST(few_of_many_are_odd)
{
    for (int i = 0; i < 19; i++)
        add("run wait", 1);
    add("run work", 2);
    ck_assert(last_is_odd());
    add("run work", 2);
    ck_assert(last_is_odd()); /* 2 of 21 */
    add("run work", 2);
    ck_assert(!last_is_odd()); /* 3 of 22 are not few */
}
END_TEST

START_TEST(one_of_few_or_of_very_different_ones_is_not_odd)
{
    for (int i = 0; i < 6; i++)
        add("run wait", 1);
    add("run work", 2);
    ck_assert(!last_is_odd());
    set_up();
    for (int i = 0; i < 10; i++)
        add("run a", 1), add("run b", 1);
    add("run c", 1);
    ck_assert(!last_is_odd());
}
END_TEST

START_TEST(a_thread_that_a_finding_names_comes_first)
{
    struct finding_thread named = {.id = 5};
    struct finding finding = {.level = FINDING_PROVED, .threads = &named, .thread_count = 1};
    struct named_threads names;
    struct members members;
    struct stack_tree tree;
    for (int i = 0; i < 3; i++)
        add("main wait", 1);
    add("main stuck", 1);
    process.findings = (struct findings){.items = &finding, .count = 1};
    named_threads_make(&names, &process);
    ck_assert(members_find(&members, &process, &style));
    ck_assert_ptr_eq(member_finding(&members.items[3], &process.findings), &finding);
    ck_assert_ptr_null(member_finding(&members.items[2], &process.findings));
    ck_assert(stack_tree_make(&tree, &members, &names, &style));
    struct tree_ranges ranges = split(&tree, 1);
    ck_assert_uint_eq(ranges.items[0].entries[0].member.thread->id, 5);
    free(ranges.items);
    stack_tree_release(&tree);
    named_threads_release(&names);
    process.findings = (struct findings){.count = 0};
    free(members.items);
}
END_TEST

START_TEST(a_thread_without_current_stack_is_where_it_was_created)
{
    struct frame creation[] = {{.function = "pool_start", .line = 4}, {.function = "main", .line = 9}};
    add("main wait", 1);
    add("main wait", 1);
    threads[1].current = NULL;
    group.stack = creation;
    group.stack_count = 2;
    struct stack_tree tree = made();
    struct tree_range part = tree_part(&tree, true);
    ck_assert_uint_eq(part.count, 1);
    ck_assert_str_eq(part.entries[0].frames[0]->function, "main");
    ck_assert_uint_eq(tree_part(&tree, false).count, 1);
    stack_tree_release(&tree);
}
END_TEST

START_TEST(suppressed_threads_are_counted_where_leaks_are_judged)
{
    struct members members;
    add("main wait", 1);
    process.judged = true;
    ck_assert(members_find(&members, &process, &style));
    ck_assert_uint_eq(members.count, 0);
    ck_assert_uint_eq(members.hidden, 1);
    free(members.items);
    ck_assert(members_find(&members, &process, &(struct report_style){.all = true}));
    ck_assert_uint_eq(members.count, 1);
    free(members.items);
}
END_TEST

START_TEST(frames_of_runtimes_are_left_out_unless_they_say_what_the_user_called)
{
    size_t count;
    add("start worker memcpy copy", 1);
    frames[0][0].runtime = frames[0][1].runtime = frames[0][3].runtime = true;
    struct member member = {&threads[0], &group, MEMBER_OF_GROUP};
    const struct frame **found = member_frames(&member, &style, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(found[0]->function, "worker");
    free(found);
    currents[0].wait.on = WAIT_NONE;
    found = member_frames(&member, &style, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(found[1]->function, "memcpy");
    free(found);
    found = member_frames(&member, &(struct report_style){.verbose = 1}, &count);
    ck_assert_uint_eq(count, 4);
    free(found);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("stack tree");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, equal_functions_are_one_branch_at_any_line);
    tcase_add_test(tests, different_waits_are_different_ends);
    tcase_add_test(tests, one_name_for_two_lambdas_is_two_functions);
    tcase_add_test(tests, few_of_many_are_odd);
    tcase_add_test(tests, one_of_few_or_of_very_different_ones_is_not_odd);
    tcase_add_test(tests, a_thread_that_a_finding_names_comes_first);
    tcase_add_test(tests, a_thread_without_current_stack_is_where_it_was_created);
    tcase_add_test(tests, suppressed_threads_are_counted_where_leaks_are_judged);
    tcase_add_test(tests, frames_of_runtimes_are_left_out_unless_they_say_what_the_user_called);
    return suite_run("stack tree", tests);
}
