/* The text on where threads are now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_at.h"
#include "report_made.h"
#include "suite.h"
#include "report/common/members.h"
#include "report/common/phrases.h"
#include "suppress/suppress.h"

/* ---- where threads are now ---------------------------------------------------------------------- */

static struct frame waiting_frames[5];
static struct shared_stack waiting = {.frames = waiting_frames, .count = 4};
static struct thread_stack at_condvar[2], at_lock, at_read, nowhere;
static struct thread_info main_thread, untracked[2];

static void fill_current(void)
{
    waiting_frames[0] = frame_in("futex_wait", NULL, 0);
    waiting_frames[1] = frame_in("pthread_cond_wait", NULL, 0);
    waiting_frames[2] = frame_in("worker_loop", pool_c, 27);
    waiting_frames[3] = frame_in("start_thread", NULL, 0);
    waiting_frames[0].module = waiting_frames[1].module = waiting_frames[3].module = "/lib/libc.so.6";
    waiting_frames[0].runtime = waiting_frames[1].runtime = waiting_frames[3].runtime = true;
    struct wait wait = {.on = WAIT_CONDVAR,
                        .address = 0x5000,
                        .place = PLACE_SYMBOL,
                        .symbol = "jobs_ready",
                        .timeout = WAIT_TIMEOUT_NO,
                        .left_s = -1,
                        .what = "condvar wait on jobs_ready",
                        .fd = -1,
                        .text = "condvar wait on jobs_ready, no timeout"};
    at_condvar[0] =
        (struct thread_stack){.tid = 4245, .source = STACK_SOURCE_PTRACE, .stack = &waiting, .wait = wait};
    at_condvar[1] = at_condvar[0];
    at_lock = at_condvar[0];
    at_condvar[0].idle_s = 2.5;
    at_condvar[1].idle_s = 71;
    at_lock.idle_s = -1;
    at_lock.owner_id = 3;
    at_lock.wait = (struct wait){.on = WAIT_MUTEX,
                                 .address = 0x6000,
                                 .place = PLACE_SYMBOL,
                                 .symbol = "queue_lock",
                                 .owner = 4245,
                                 .left_s = 2.5,
                                 .timeout = WAIT_TIMEOUT_YES,
                                 .text = "mutex queue_lock, held by T3 \"wor\033ker\""};
    at_read = at_condvar[0];
    at_read.idle_s = -1;
    at_read.wait = (struct wait){.on = WAIT_NONE, .running = true, .left_s = -1};
    nowhere = (struct thread_stack){.tid = 4250, .why_none = "blocks signal 63", .idle_s = -1};
    main_thread = (struct thread_info){
        .id = 1, .tid = 4242, .name = "app", .age_s = 3.5, .ended_s = -1, .cpu_s = 0.5, .current = &at_read};
    untracked[0] = (struct thread_info){
        .tid = 4250, .name = "iou-wrk-1", .age_s = -1, .ended_s = -1, .cpu_s = -1, .current = &nowhere};
    untracked[1] = untracked[0];
    untracked[1].tid = 4251;
    two[0].current = &at_condvar[0];
    two[1].current = &at_condvar[1];
}

START_TEST(equal_places_are_one_block)
{
    fill_current();
    TEXT("stacks", .color = false);
    json_t *json = report_parsed(), *thread = json_at(json, "processes.0.leaks.0.threads.1");
    json_at_is(thread, "waiting",
               "{'on': 'condvar', 'address': '0x5000', 'symbol': 'jobs_ready', 'owner': null,"
               " 'owner_tid': null, 'timeout': false, 'left_s': null,"
               " 'text': 'condvar wait on jobs_ready, no timeout', 'kind': null, 'fd': null, 'mutex': null,"
               " 'mutex_symbol': null, 'notified': null}");
    json_at_is(thread, "idle_s", "71.0");
    json_at_is(thread, "cpu_s", "12.0");
    json_at_is(thread, "stack_source", "'ptrace'");
    json_at_is(thread, "stack_note", "null");
    json_at_is(thread, "stack.3.function", "'start_thread'");
    json_decref(json);
}
END_TEST

START_TEST(own_objects_are_one_block)
{
    fill_current();
    at_condvar[0].wait.place = at_condvar[1].wait.place = PLACE_HEAP;
    at_condvar[0].wait.symbol = at_condvar[1].wait.symbol = "heap";
    at_condvar[0].wait.what = at_condvar[0].wait.text = "condvar wait on 0x5000 on the heap";
    at_condvar[1].wait.what = at_condvar[1].wait.text = "condvar wait on 0x6000 on the heap";
    TEXT("stacks_own", .color = false);
}
END_TEST

START_TEST(folded_stacks_end_with_objects_that_have_a_name)
{
    fill_current();
    char *text = printed(&report_folded, (struct report_style){.color = false});
    ck_assert_ptr_nonnull(strstr(text, ";[condvar jobs_ready]"));
    free(text);
    at_condvar[0].wait.place = at_condvar[1].wait.place = PLACE_HEAP;
    at_condvar[0].wait.symbol = at_condvar[1].wait.symbol = "heap";
    text = printed(&report_folded, (struct report_style){.color = false});
    ck_assert_ptr_nonnull(strstr(text, ";[condvar]"));
    free(text);
}
END_TEST

static bool is_one_block(void)
{
    char *text = printed(&report_text, (struct report_style){.color = false});
    bool one = strstr(text, "  the other waits the same way, on its own condvar\n");
    free(text);
    return one;
}

/* The thread with this object is T3, or T4. */
START_TEST(objects_on_own_stacks_are_one_block)
{
    fill_current();
    at_condvar[0].wait.what = at_condvar[0].wait.text = "condvar wait on 0x5000 on its own stack";
    at_condvar[1].wait.what = at_condvar[1].wait.text = "condvar wait on 0x6000 on its own stack";
    at_condvar[0].wait.place = at_condvar[1].wait.place = PLACE_STACK;
    at_condvar[0].wait.symbol = "stack of T3 \"worker\"";
    at_condvar[1].wait.symbol = "stack of T4";
    ck_assert(is_one_block());
    at_condvar[1].wait.symbol = "stack of T3 \"worker\"";
    ck_assert(!is_one_block());
    at_condvar[1].wait.symbol = "stack of T41";
    ck_assert(!is_one_block());
}
END_TEST

/* Elements of one variable, and data of a library without symbols. */
START_TEST(parts_of_one_object_are_one_block)
{
    static const struct {
        const char *a, *b;
        bool one;
    } names[] = {{"conds", "conds+0x30", true},          {"libx.so+0x9ce8", "libx.so+0xa000", true},
                 {"jobs_ready", "room", false},          {"libx.so+0x9ce8", "liby.so+0x9ce8", false},
                 {"conds+0x30", "conds_of+0x30", false}, {"a", "b", false}};
    fill_current();
    at_condvar[0].wait.what = "condvar wait on the one";
    at_condvar[1].wait.what = "condvar wait on the other";
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        at_condvar[0].wait.symbol = (char *)names[i].a;
        at_condvar[1].wait.symbol = (char *)names[i].b;
        ck_assert_msg(is_one_block() == names[i].one, "%s, %s", names[i].a, names[i].b);
    }
}
END_TEST

/* Three threads, two objects: it is not true that each has its own. */
START_TEST(awaited_objects_are_counted)
{
    const char *whats[] = {"b", "a", "b"}, *one[] = {"a", "a"}, *own[] = {"a", NULL, "b"};
    ck_assert_int_eq(compare_awaited(whats, 3), OBJECTS_SEVERAL);
    ck_assert_int_eq(compare_awaited(one, 2), OBJECTS_ONE);
    ck_assert_int_eq(compare_awaited(own, 3), OBJECTS_OWN);
    ck_assert_int_eq(compare_awaited(own, 0), OBJECTS_ONE);
}
END_TEST

START_TEST(creators_are_by_id)
{
    fill_current();
    two[0].created_by = 9;
    two[1].created_by = 2;
    char *text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, "  created by T2, T9 at\n"), "%s", text);
    free(text);
    two[0].created_by = 2;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, "  created by T2 at\n"), "%s", text);
    free(text);
}
END_TEST

START_TEST(a_wide_wait_has_two_lines)
{
    fill_current();
    at_condvar[0].wait.what = at_condvar[0].wait.text =
        "condvar wait on 0x7f00deadbe00 on the heap, no timeout (mutex 0x7f00deadbe40 on the heap)";
    at_condvar[1].wait = at_condvar[0].wait;
    char *text = printed(&report_text, (struct report_style){.width = 0});
    ck_assert_ptr_nonnull(strstr(text, "  now in condvar wait on 0x7f00deadbe00 on the heap, no timeout\n"
                                       "      (mutex 0x7f00deadbe40 on the heap), "));
    free(text);
    at_condvar[0].wait.what = at_condvar[0].wait.text = "condvar wait on ready, no timeout (mutex lock)";
    at_condvar[1].wait = at_condvar[0].wait;
    text = printed(&report_text, (struct report_style){.width = 0});
    ck_assert_ptr_nonnull(strstr(text, "  now in condvar wait on ready, no timeout (mutex lock), "));
    free(text);
}
END_TEST

/* A group that is printed is not hidden. */
START_TEST(hidden_threads_are_named_unless_shown)
{
    const struct suppression_rule rule = {
        .text = "start:worker", .label = "built in: a pool", .source = SUPPRESSION_BUILT_IN};
    one_group[0].counted = false;
    one_group[0].rule = &rule;
    one_group[0].suppressed_by = rule.label;
    char *text = printed(&report_text, (struct report_style){.all = false});
    ck_assert_ptr_nonnull(strstr(text, "\nhidden: 2 threads of a pool (built-in rule)\n"));
    ck_assert_ptr_null(strstr(text, "suppressed by built in: a pool"));
    free(text);
    text = printed(&report_text, (struct report_style){.all = true});
    ck_assert_ptr_null(strstr(text, "hidden:"));
    ck_assert_ptr_nonnull(strstr(text, "  suppressed by built in: a pool\n"));
    free(text);
}
END_TEST

/* Two calls of one function without line numbers. */
START_TEST(equal_text_is_one_block)
{
    static struct frame other_frames[4];
    static struct shared_stack other = {.frames = other_frames, .count = 4};
    fill_current();
    memcpy(other_frames, waiting_frames, sizeof(other_frames));
    at_condvar[1].stack = &other;
    at_condvar[0].wait.what = "one";
    other_frames[1].pc = other_frames[1].offset = 1;
    ck_assert(is_one_block());
    other_frames[2].line++;
    ck_assert(!is_one_block());
    other_frames[2].line--;
    waiting_frames[2].function = other_frames[2].function = NULL;
    ck_assert(is_one_block());
    other_frames[2].offset++;
    ck_assert(!is_one_block());
}
END_TEST

START_TEST(each_place_has_its_block)
{
    fill_current();
    two[1].current = &at_lock;
    waiting.incomplete = "the stack was damaged";
    TEXT("stacks_two", .color = false);
    waiting.incomplete = NULL;
}
END_TEST

START_TEST(main_and_untracked)
{
    static struct stacks current = {.note = "may not be traced: kernel.yama.ptrace_scope is 2"};
    fill_current();
    one_process[0].stacks = &current;
    one_process[0].how = END_ALIVE;
    one_process[0].judged = false;
    one_process[0].main = &main_thread;
    one_process[0].untracked = untracked;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    TEXT("stacks_all", .others = true);
    TEXT("stacks_leaks", .others = false);
    char *text = printed(&report_text, (struct report_style){.color = true, .others = true});
    ck_assert_msg(strstr(text, "\n\033[1mmain\033[0m"), "%s", text);
    ck_assert_msg(strstr(text, "\n\033[1muntracked ×2\033[0m"), "%s", text);
    ck_assert_msg(!strstr(text, "\033[1m\n"), "%s", text);
    free(text);
    json_t *json = report_parsed(), *process = json_at(json, "processes.0");
    json_at_is(process, "stacks_note", "'may not be traced: kernel.yama.ptrace_scope is 2'");
    json_at_is(process, "main.id", "1");
    json_at_is(process, "main.kind", "'main'");
    json_at_is(process, "main.name", "'app'");
    json_at_is(process, "main.stack_source", "'ptrace'");
    json_at_is(process, "main.stack.2.function", "'worker_loop'");
    json_at_is(process, "main.waiting", "null");
    json_at_is(process, "untracked.1.id", "null");
    json_at_is(process, "untracked.1.tid", "4251");
    json_at_is(process, "untracked.1.kind", "'untracked'");
    json_at_is(process, "untracked.1.stack", "[]");
    json_at_is(process, "untracked.1.stack_source", "'none'");
    json_at_is(process, "untracked.1.stack_note", "'blocks signal 63'");
    json_decref(json);
}
END_TEST

/* What opens the core file has reported it, and what to do. */
START_TEST(the_core_has_no_ledger)
{
    fill_current();
    one_process[0].watched = false;
    char *text = printed(&report_text, (struct report_style){.others = true});
    ck_assert_ptr_nonnull(strstr(text, "not watched"));
    free(text);
    one_process[0].ledger_is_missing = true;
    text = printed(&report_text, (struct report_style){.others = true});
    ck_assert_ptr_null(strstr(text, "not watched"));
    free(text);
}
END_TEST

START_TEST(not_watched)
{
    fill_current();
    one_process[0].watched = false;
    one_process[0].how = END_ALIVE;
    one_process[0].judged = false;
    one_process[0].group_count = 0;
    one_process[0].main = &main_thread;
    untracked[0].current = &at_condvar[0];
    one_process[0].untracked = untracked;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    TEXT("not_watched", .others = true);
    json_t *json = report_parsed(), *process = json_at(json, "processes.0");
    json_at_is(process, "watched", "false");
    json_at_is(process, "leaks", "[]");
    json_at_is(process, "threads",
               "{'created': null, 'joined': null, 'detached': null, 'alive': null, 'unjoined': null,"
               " 'peak': null, 'untracked': 2}");
    json_at_is(process, "main.tid", "4242");
    json_at_is(process, "untracked.0.waiting.text", "'condvar wait on jobs_ready, no timeout'");
    json_at_is(process, "untracked.0.idle_s", "2.5");
    json_at_is(process, "untracked.1.waiting", "null");
    json_decref(json);
}
END_TEST

/* Frames of std::thread are replaced by its caller and by the function that it runs. */
START_TEST(start_of_a_runtime)
{
    static struct frame routine, stack[4];
    fill_current();
    routine = frame_in(NULL, NULL, 0);
    routine.module = "/usr/lib/libstdc++.so.6";
    routine.runtime = true;
    stack[0] = frame_in("std::thread::_M_start_thread()", NULL, 0);
    stack[1] = frame_in("std::thread::thread<void (&)()>(void (&)())", "/usr/include/c++/12/thread", 90);
    stack[0].runtime = stack[1].runtime = true;
    stack[2] = plain_stack[0];
    stack[3] = plain_stack[1];
    one_group[0].start_routine = &routine;
    one_group[0].stack = stack;
    one_group[0].stack_count = 4;
    one_group[0].user_frame = &stack[2];
    TEXT("runtime_start", .color = false);
    TEXT("runtime_start_verbose", .verbose = 1);
    two[1].current = NULL; /* where one of them is may be anywhere */
    TEXT("runtime_start_unknown", .color = false);
    routine.function = "execute_native_thread_routine";
    TEXT("runtime_start_named", .color = false);
}
END_TEST

START_TEST(no_stacks_were_taken)
{
    fill_current();
    two[0].current = two[1].current = main_thread.current = untracked[0].current = untracked[1].current =
        NULL;
    one_process[0].how = END_ALIVE;
    one_process[0].live = true;
    one_process[0].judged = false;
    one_process[0].main = &main_thread;
    one_process[0].untracked = untracked;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    TEXT("no_stop", .others = true);
    one_process[0].watched = false;
    one_process[0].group_count = 0;
    TEXT("no_stop_not_watched", .others = true);
}
END_TEST

/* Threads without a name of their own have that of the process, which is printed already. */
START_TEST(name_of_the_process)
{
    one_process[0].exe = (char[]){"/usr/bin/worker"};
    TEXT("process_name", .color = false);
    one_process[0].exe = (char[]){"/usr/bin/worker2"};
    TEXT("one_leak", .color = false);
}
END_TEST

/* --all is worth a line where it would show more. */
START_TEST(all_is_shown_already)
{
    static struct thread_info many[7];
    fill_current();
    one_process[0].how = END_ALIVE;
    one_process[0].live = true;
    one_process[0].judged = false;
    char *text = printed(&report_text, (struct report_style){.others = true});
    ck_assert_ptr_null(strstr(text, "every thread:"));
    free(text);
    text = printed(&report_text, (struct report_style){.others = false}); /* without the main thread */
    ck_assert_ptr_nonnull(strstr(text, "to see every thread: threadleak report --all 4242"));
    free(text);
    for (size_t i = 0; i < 7; i++)
        many[i] = two[0];
    one_group[0].threads = many;
    one_group[0].thread_count = 7;
    text = printed(&report_text, (struct report_style){.others = true});
    ck_assert_ptr_nonnull(strstr(text, "to see every thread: threadleak report --all 4242"));
    free(text);
}
END_TEST

START_TEST(deep_stacks_are_cut_in_their_middle)
{
    static struct frame deep[100];
    static char names[100][16];
    fill_current();
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "f%d", i);
        deep[i] = frame_in(names[i], pool_c, i + 1);
    }
    struct shared_stack stack = {.frames = deep, .count = 100};
    at_condvar[0].stack = at_condvar[1].stack = &stack;
    TEXT("stacks_deep", .color = false);
}
END_TEST

START_TEST(lost_and_untracked)
{
    static struct thread_info tasks[10];
    for (size_t i = 0; i < 10; i++)
        tasks[i] = (struct thread_info){.tid = 4250 + (pid_t)i, .name = "iou-wrk-1"};
    one_process[0].untracked = tasks;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    one_process[0].counts.lost = 1;
    TEXT("lost", .color = false);
    one_process[0].untracked_count = 10;
    one_process[0].counts.untracked = 90;
    one_process[0].counts.lost = 12;
    TEXT("untracked_many", .color = false);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {-1, "?"},
        {0, "0 ms"},
        {0.0354, "35 ms"},
        {0.0994, "99 ms"},
        {0.0996, "0.1 s"},
        {1.25, "1.2 s"},
        {99.94, "99.9 s"},
        {99.96, "1 min 39 s"},
        {200, "3 min 20 s"},
        {3600, "1 h 0 min"},
        {18120, "5 h 2 min"},
        {172800, "2 days 0 h"},
        {1e9, "11574 days 1 h"},
    };
    char text[40];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        format_duration(text, sizeof(text), cases[i].seconds);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("report_current");
    tcase_add_checked_fixture(tests, report_set_up, NULL);
    tcase_add_test(tests, folded_stacks_end_with_objects_that_have_a_name);
    tcase_add_test(tests, equal_places_are_one_block);
    tcase_add_test(tests, own_objects_are_one_block);
    tcase_add_test(tests, objects_on_own_stacks_are_one_block);
    tcase_add_test(tests, parts_of_one_object_are_one_block);
    tcase_add_test(tests, awaited_objects_are_counted);
    tcase_add_test(tests, creators_are_by_id);
    tcase_add_test(tests, a_wide_wait_has_two_lines);
    tcase_add_test(tests, hidden_threads_are_named_unless_shown);
    tcase_add_test(tests, equal_text_is_one_block);
    tcase_add_test(tests, each_place_has_its_block);
    tcase_add_test(tests, main_and_untracked);
    tcase_add_test(tests, the_core_has_no_ledger);
    tcase_add_test(tests, not_watched);
    tcase_add_test(tests, start_of_a_runtime);
    tcase_add_test(tests, no_stacks_were_taken);
    tcase_add_test(tests, name_of_the_process);
    tcase_add_test(tests, all_is_shown_already);
    tcase_add_test(tests, deep_stacks_are_cut_in_their_middle);
    tcase_add_test(tests, lost_and_untracked);
    tcase_add_test(tests, durations);
    return suite_run("report_current", tests);
}
