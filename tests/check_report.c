/* The printers, on made-up reports: whole outputs are compared with tests/golden/report_*.
 *   UPDATE=1 build/tests/check_report      writes the goldens anew: read each before you keep it */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "text_parts.h"

#define APP "/usr/bin/app"
#define LIBC "/usr/lib/libc.so.6"

static char pool_c[PATH_MAX], main_c[PATH_MAX]; /* below the working directory */

/* ---- made-up code --------------------------------------------------------------------- */

static const struct frame worker = {.pc = 0x5500000010f0,
                                    .offset = 0x10f0,
                                    .module = APP,
                                    .function = "worker_loop",
                                    .file = "/src/app/pool.c",
                                    .line = 27};

static struct frame frame_in(const char *function, const char *file, int line)
{
    return (struct frame){.pc = 0x550000001234,
                          .offset = 0x1234,
                          .module = APP,
                          .build_id = "01020304",
                          .function = function,
                          .file = file,
                          .line = line};
}

static const struct frame libc_start = {.pc = 0x7f0000029d90,
                                        .offset = 0x29d90,
                                        .module = LIBC,
                                        .function = "__libc_start_call_main",
                                        .runtime = true};

/* One leak: pool_start called by main, with libc's start-up code below. */
static struct frame plain_stack[3];
static struct thread_info two[2] = {
    {.id = 3,
     .tid = 4245,
     .name = "worker",
     .created_by = 1,
     .age_s = 1.25,
     .ended_s = -1,
     .cpu_s = 0.0004,
     .state = 'S'},
    {.id = 4,
     .tid = 4246,
     .name = "worker",
     .created_by = 1,
     .age_s = 1.25,
     .ended_s = -1,
     .cpu_s = 12,
     .state = 'S'},
};
static struct leak_group one_group[1];
static struct process_report one_process[1];
static char *command[] = {"./app", "-v", NULL};
static struct report report;

static void set_up(void)
{
    static struct frame frames[3];
    frames[0] = frame_in("pool_start", pool_c, 42);
    frames[1] = frame_in("main", main_c, 10);
    frames[2] = libc_start;
    memcpy(plain_stack, frames, sizeof(frames));
    one_group[0] = (struct leak_group){.kind = LEAK_RUNNING,
                                       .first_of_site = true,
                                       .counted = true,
                                       .fingerprint = "9f00000000000001",
                                       .start_routine = &worker,
                                       .stack = plain_stack,
                                       .stack_count = 3,
                                       .own = &plain_stack[0],
                                       .threads = two,
                                       .thread_count = 2};
    two[0].present = two[1].present = NULL;
    one_process[0] = (struct process_report){.pid = 4242,
                                             .watched = true,
                                             .parent_pid = 4241,
                                             .exe = APP,
                                             .argv = command,
                                             .how = END_EXIT,
                                             .judged = true,
                                             .status_known = true,
                                             .counts = {9, 4, 2, 2, 1, 5, 0, 0},
                                             .groups = one_group,
                                             .group_count = 1};
    report = (struct report){.argv = command,
                             .processes = one_process,
                             .process_count = 1,
                             .summary = {.processes = 1, .leaked_threads = 2, .leak_sites = 1}};
}

/* ---- comparing ------------------------------------------------------------------------------ */

static char *printed(const struct report_format *format, struct report_style style)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(format->print(out, &report, &style));
    fclose(out);
    return text;
}

static char *read_whole(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    if (file && getdelim(&text, &size, 0, file) < 0)
        text[0] = 0;
    if (file)
        fclose(file);
    return text;
}

/* The working directory, which is another one elsewhere, is shown as HERE. */
static char *hide_here(char *text)
{
    char here[PATH_MAX - 32], *found, *hidden;
    if (!getcwd(here, sizeof(here)))
        abort();
    while ((found = strstr(text, here))) {
        ck_assert_int_ge(asprintf(&hidden, "%.*sHERE%s", (int)(found - text), text, found + strlen(here)), 0);
        free(text);
        text = hidden;
    }
    return text;
}

static void compare(const char *name, const char *got)
{
    char path[PATH_MAX];
    const char *tests = getenv("TL_TESTS");
    snprintf(path, sizeof(path), "%s/golden/report_%s", tests ? tests : "tests", name);
    if (getenv("UPDATE") && *getenv("UPDATE")) {
        FILE *file = fopen(path, "we");
        ck_assert_msg(file && fputs(got, file) >= 0 && fclose(file) == 0, "%s: %s", path, strerror(errno));
        return;
    }
    char *expected = read_whole(path);
    ck_assert_msg(expected, "%s: %s", path, strerror(errno));
    ck_assert_msg(strcmp(got, expected) == 0, "%s is not what is printed:\n%s", path, got);
    free(expected);
}

static void text_is(const char *name, struct report_style style)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.txt", name);
    char *text = hide_here(printed(&report_text, style));
    if (!style.color)
        ck_assert_ptr_null(strchr(text, '\033'));
    compare(file, text);
    free(text);
}

/* The version of the day is not compared. */
static void json_is(const char *name)
{
    static const char version[] = "\"version\": \"" THREADLEAK_VERSION "\"";
    char file[64], *text = printed(&report_json, (struct report_style){.color = true});
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json, "%s at line %d", error.text, error.line);
    json_decref(json);
    char *at = strstr(text, version), *normal = NULL;
    ck_assert_ptr_nonnull(at);
    ck_assert_int_gt(
        asprintf(&normal, "%.*s\"version\": \"VERSION\"%s", (int)(at - text), text, at + strlen(version)), 0);
    normal = hide_here(normal);
    snprintf(file, sizeof(file), "%s.json", name);
    compare(file, normal);
    free(normal);
    free(text);
}

#define TEXT(name, ...) text_is(name, (struct report_style){__VA_ARGS__})

/* ---- text ------------------------------------------------------------------------------------- */

START_TEST(one_leak)
{
    TEXT("one_leak", .color = false);
    TEXT("one_leak_color", .color = true);
    TEXT("one_leak_verbose", .verbose = 1, .all = true);
    TEXT("one_leak_quiet", .verbose = -1);
}
END_TEST

START_TEST(two_kinds)
{
    static struct thread_info ended = {
        .id = 5, .tid = 4247, .created_by = 3, .age_s = 100, .ended_s = 61, .cpu_s = -1};
    static struct leak_group groups[2];
    static struct frame joiner;
    joiner = frame_in("pool_stop", pool_c, 70);
    groups[0] = groups[1] = one_group[0];
    groups[1].kind = LEAK_UNJOINED;
    groups[1].first_of_site = false;
    groups[1].threads = &ended;
    groups[1].thread_count = 1;
    groups[0].joined_at = groups[1].joined_at = &joiner;
    groups[0].site_created = groups[1].site_created = 7;
    groups[0].site_joined = 4;
    groups[1].site_joined = 1;
    one_process[0].groups = groups;
    one_process[0].group_count = 2;
    TEXT("two_kinds", .color = false);
}
END_TEST

START_TEST(a_thousand_threads_at_one_site)
{
    static struct thread_info threads[1000];
    for (size_t i = 0; i < 1000; i++) {
        threads[i] = two[0];
        threads[i].id = i + 2;
        threads[i].tid = 5000 + (pid_t)i;
        threads[i].created_by = i % 7 + 1;
        threads[i].age_s = 0.02 + 0.01 * (double)i;
        snprintf(threads[i].name, sizeof(threads[i].name), "worker %zu", i);
    }
    one_group[0].threads = threads;
    one_group[0].thread_count = 1000;
    TEXT("thousand", .color = false);
    one_group[0].thread_count = 9;
    for (size_t i = 0; i < 9; i++) /* by turns, each is named once */
        threads[i].created_by = i % 2 + 1;
    TEXT("nine_verbose", .verbose = 1);
}
END_TEST

START_TEST(several_processes)
{
    static struct process_report processes[4];
    static struct leak_group not_counted;
    not_counted = one_group[0];
    not_counted.counted = false;
    for (size_t i = 0; i < 4; i++) {
        processes[i] = one_process[0];
        processes[i].pid = 4242 + (int)i;
    }
    processes[1].groups = &not_counted; /* not judged: of no note */
    processes[1].judged = false;
    processes[1].how = END_EXEC;
    processes[2].how = END_ALIVE;
    processes[2].judged = false;
    processes[2].groups = &not_counted;
    processes[3].group_count = 0; /* nothing left */
    report.processes = processes;
    report.process_count = 4;
    report.summary.processes = 6;
    TEXT("processes", .color = false);
    TEXT("processes_all", .all = true);
    report.processes = processes + 3;
    report.process_count = 1;
    TEXT("process_clean", .color = false);
    processes[2] = processes[3];
    report.processes = processes + 2;
    report.process_count = 2;
    report.summary.leaked_threads = report.summary.leak_sites = 0;
    TEXT("processes_clean", .color = false);
}
END_TEST

/* namespace::Template<namespace::Template<…>>::function, of 400 characters. */
static const char *long_name(void)
{
    static char name[401];
    memset(name, 0, sizeof(name));
    strcpy(name, "boost::detail::thread_data<");
    while (strlen(name) < 340)
        strcat(name, "std::vector<int>, ");
    strcat(name, "void>::start(boost::thread_attributes)");
    while (strlen(name) < 400)
        strcat(name, "&");
    return name;
}

START_TEST(long_names)
{
    static struct frame stack[6];
    static char path[300];
    snprintf(path, sizeof(path), "/home/ann/%0200d/pool.cpp", 0);
    stack[0] = frame_in(long_name(), "/usr/include/c++/12/thread", 110);
    stack[0].runtime = true;
    stack[1] = frame_in("std::thread::thread<worker>(worker&&)", "/usr/include/c++/12/thread", 90);
    stack[1].runtime = stack[1].inlined = true;
    stack[2] = frame_in(long_name(), path, 42);
    /* 64 bytes end, and the part after the dots begins, inside of a character. */
    stack[3] = frame_in("xäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü", pool_c, 7);
    stack[4] = frame_in("größe", pool_c, 8);
    stack[5] = frame_in("main", main_c, 10);
    one_group[0].stack = stack;
    one_group[0].stack_count = 6;
    one_group[0].own = &stack[2];
    ck_assert_uint_eq(strlen(long_name()), 400);
    TEXT("long_names", .color = false);
    TEXT("long_names_verbose", .verbose = 1);
}
END_TEST

/* Nothing of a watched program's may drive a terminal. */
START_TEST(control_characters)
{
    static char *argv[] = {"./a\033]0;pwned\007pp\n", NULL};
    static struct thread_info task = {.tid = 4250, .name = "\033[2J\r"};
    strcpy(two[0].name, "\033[31mred\n\x7f");
    strcpy(two[1].name, "\xc2\x9b"
                        "31m\xffö\xc3");
    plain_stack[0].function = "f\033[1m\n()";
    plain_stack[1].file = "/src/a\tb\033.c";
    plain_stack[1].function = "g";
    one_group[0].suppressed_by = "thread:\033x";
    one_process[0].argv = argv;
    one_process[0].untracked = &task;
    one_process[0].untracked_count = one_process[0].counts.untracked = 1;
    TEXT("control", .color = false);
    one_group[0].counted = false;
    TEXT("control_short", .color = false);
    memset(two[0].name, 0, sizeof(two[0].name));
    strcpy(two[0].name, "\x1b[0m");
    one_group[0].thread_count = 1;
    TEXT("control_common", .all = true);
}
END_TEST

START_TEST(not_counted)
{
    static struct leak_group groups[4];
    for (size_t i = 0; i < 4; i++)
        groups[i] = one_group[0];
    groups[1].counted = groups[2].counted = groups[3].counted = false;
    groups[1].suppressed_by = "thread:pool_start";
    groups[2].kind = LEAK_DETACHED;
    groups[3].kind = LEAK_UNJOINED;
    groups[3].stack_count = 0;
    groups[3].own = NULL;
    one_process[0].groups = groups;
    one_process[0].group_count = 4;
    TEXT("not_counted", .color = false);
    TEXT("not_counted_all", .all = true);
    one_process[0].groups = groups + 1;
    one_process[0].group_count = 1;
    report.summary.leaked_threads = report.summary.leak_sites = 0;
    TEXT("suppressed_alone", .color = false);
}
END_TEST

START_TEST(ends)
{
    static const struct {
        const char *name;
        enum end_how how;
        int number;
        bool judged;
    } cases[] = {
        {"end_signal", END_SIGNAL, 11, false},       {"end_signal_judged", END_SIGNAL, 9, true},
        {"end_unknown", END_SIGNAL, 0, false},       {"end_exec", END_EXEC, 0, false},
        {"end_quick_exit", END_QUICK_EXIT, 3, true}, {"end__exit", END__EXIT, 3, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        one_process[0].how = cases[i].how;
        one_process[0].signal = cases[i].how == END_SIGNAL ? cases[i].number : 0;
        one_process[0].status = cases[i].number;
        one_process[0].judged = one_group[0].counted = cases[i].judged;
        TEXT(cases[i].name, .color = false);
    }
    one_process[0].group_count = 0;
    TEXT("end_nothing_left", .color = false);
}
END_TEST

START_TEST(alive)
{
    one_process[0].how = END_ALIVE;
    one_process[0].judged = one_group[0].counted = false;
    two[0].being_joined = true;
    TEXT("alive", .color = false);
    two[1].being_joined = true;
    TEXT("alive_all", .all = true, .verbose = 1);
    one_group[0].thread_count = 1;
    one_process[0].judged = one_group[0].counted = true;
    TEXT("alive_judged", .color = false);
    one_process[0].group_count = 0;
    one_process[0].judged = false;
    TEXT("alive_none", .color = false);
}
END_TEST

START_TEST(nothing_leaked)
{
    one_process[0].group_count = 0;
    one_process[0].counts.untracked = 0;
    TEXT("nothing_leaked", .color = false);
    report.process_count = 0;
    TEXT("no_threads", .color = false);
    report.summary.processes = 3;
    TEXT("no_threads_of_three", .color = false);
}
END_TEST

START_TEST(stacks_that_are_not_whole)
{
    one_group[0].truncated = true;
    TEXT("truncated", .color = false);
    one_group[0].rule_deeper = true;
    TEXT("truncated_rules", .color = false);
    one_group[0].stack_count = 0;
    one_group[0].own = NULL;
    one_group[0].start_routine = NULL;
    two[0].created_by = two[1].created_by = 0;
    two[0].tid = 0;
    two[0].name[0] = 0;
    two[1].age_s = -1;
    TEXT("not_recorded", .color = false);
}
END_TEST

START_TEST(no_symbols)
{
    static struct frame routine;
    for (size_t i = 0; i < 3; i++) {
        plain_stack[i].function = plain_stack[i].file = NULL;
        plain_stack[i].line = 0;
    }
    plain_stack[1].module = NULL;
    plain_stack[1].pc = 0x7f1234567890;
    routine = plain_stack[1];
    one_group[0].start_routine = &routine;
    TEXT("no_symbols", .color = false);
    plain_stack[0].function = "exported_function"; /* of .dynsym: no file */
    TEXT("no_lines", .color = false);
    plain_stack[0].runtime = plain_stack[1].runtime = true; /* nothing of the user's own */
    one_group[0].own = NULL;
    TEXT("nothing_own", .color = false);
}
END_TEST

/* ---- where threads are now ---------------------------------------------------------------------- */

static struct frame waiting_frames[5];
static struct present_stack waiting = {.frames = waiting_frames, .count = 4};
static struct present_thread at_condvar[2], at_lock, at_read, nowhere;
static struct thread_info main_thread, stranger[2];

static void fill_present(void)
{
    waiting_frames[0] = frame_in("futex_wait", NULL, 0);
    waiting_frames[1] = frame_in("pthread_cond_wait", NULL, 0);
    waiting_frames[2] = frame_in("worker_loop", pool_c, 27);
    waiting_frames[3] = frame_in("start_thread", NULL, 0);
    waiting_frames[0].module = waiting_frames[1].module = waiting_frames[3].module = "/lib/libc.so.6";
    waiting_frames[0].runtime = waiting_frames[1].runtime = waiting_frames[3].runtime = true;
    struct wait wait = {.on = WAIT_CONDVAR,
                        .address = 0x5000,
                        .symbol = "jobs_ready",
                        .timeout = WAIT_TIMEOUT_NO,
                        .left_s = -1,
                        .what = "condvar wait on jobs_ready",
                        .fd = -1,
                        .text = "condvar wait on jobs_ready, no timeout"};
    at_condvar[0] =
        (struct present_thread){.tid = 4245, .source = PRESENT_PTRACE, .stack = &waiting, .wait = wait};
    at_condvar[1] = at_condvar[0];
    at_lock = at_condvar[0];
    at_condvar[0].idle_s = 2.5;
    at_condvar[1].idle_s = 71;
    at_lock.idle_s = -1;
    at_lock.owner_id = 3;
    at_lock.wait = (struct wait){.on = WAIT_MUTEX,
                                 .address = 0x6000,
                                 .symbol = "queue_lock",
                                 .owner = 4245,
                                 .left_s = 2.5,
                                 .timeout = WAIT_TIMEOUT_YES,
                                 .text = "mutex queue_lock, held by T3 \"wor\033ker\""};
    at_read = at_condvar[0];
    at_read.idle_s = -1;
    at_read.wait = (struct wait){.on = WAIT_NONE, .running = true, .left_s = -1};
    nowhere = (struct present_thread){.tid = 4250, .why_none = "blocks signal 63", .idle_s = -1};
    main_thread = (struct thread_info){
        .id = 1, .tid = 4242, .name = "app", .age_s = 3.5, .ended_s = -1, .cpu_s = 0.5, .present = &at_read};
    stranger[0] = (struct thread_info){
        .tid = 4250, .name = "iou-wrk-1", .age_s = -1, .ended_s = -1, .cpu_s = -1, .present = &nowhere};
    stranger[1] = stranger[0];
    stranger[1].tid = 4251;
    two[0].present = &at_condvar[0];
    two[1].present = &at_condvar[1];
}

START_TEST(equal_places_are_one_block)
{
    fill_present();
    TEXT("present", .color = false);
    json_is("present");
}
END_TEST

START_TEST(own_objects_are_one_block)
{
    fill_present();
    at_condvar[0].wait.symbol = at_condvar[1].wait.symbol = "heap";
    at_condvar[0].wait.what = at_condvar[0].wait.text = "condvar wait on 0x5000 on the heap";
    at_condvar[1].wait.what = at_condvar[1].wait.text = "condvar wait on 0x6000 on the heap";
    TEXT("present_own", .color = false);
}
END_TEST

START_TEST(each_place_has_its_block)
{
    fill_present();
    two[1].present = &at_lock;
    waiting.incomplete = "the stack was damaged";
    TEXT("present_two", .color = false);
    waiting.incomplete = NULL;
}
END_TEST

START_TEST(main_and_strangers)
{
    static struct present present = {.note = "may not be traced: kernel.yama.ptrace_scope is 2"};
    fill_present();
    one_process[0].present = &present;
    one_process[0].how = END_ALIVE;
    one_process[0].judged = false;
    one_process[0].main = &main_thread;
    one_process[0].untracked = stranger;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    TEXT("present_all", .others = true);
    TEXT("present_leaks", .others = false);
    json_is("present_all");
}
END_TEST

START_TEST(not_watched)
{
    fill_present();
    one_process[0].watched = false;
    one_process[0].how = END_ALIVE;
    one_process[0].judged = false;
    one_process[0].group_count = 0;
    one_process[0].main = &main_thread;
    stranger[0].present = &at_condvar[0];
    one_process[0].untracked = stranger;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    TEXT("not_watched", .others = true);
    json_is("not_watched");
}
END_TEST

/* std::thread's own frames say little: who called it, and what it was given, do. */
START_TEST(start_of_a_runtime)
{
    static struct frame routine, stack[4];
    fill_present();
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
    one_group[0].own = &stack[2];
    TEXT("runtime_start", .color = false);
    TEXT("runtime_start_verbose", .verbose = 1);
    two[1].present = NULL; /* where one of them is may be anywhere */
    TEXT("runtime_start_unknown", .color = false);
    routine.function = "execute_native_thread_routine";
    TEXT("runtime_start_named", .color = false);
}
END_TEST

START_TEST(nobody_looked_where_they_are)
{
    fill_present();
    two[0].present = two[1].present = main_thread.present = stranger[0].present = stranger[1].present = NULL;
    one_process[0].how = END_ALIVE;
    one_process[0].live = true;
    one_process[0].judged = false;
    one_process[0].main = &main_thread;
    one_process[0].untracked = stranger;
    one_process[0].untracked_count = one_process[0].counts.untracked = 2;
    TEXT("no_stop", .others = true);
    one_process[0].watched = false;
    one_process[0].group_count = 0;
    TEXT("no_stop_not_watched", .others = true);
}
END_TEST

/* Threads that got no name have that of the process, which is told already. */
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
    fill_present();
    one_process[0].how = END_ALIVE;
    one_process[0].live = true;
    one_process[0].judged = false;
    char *text = printed(&report_text, (struct report_style){.others = true});
    ck_assert_ptr_null(strstr(text, "every thread:"));
    free(text);
    text = printed(&report_text, (struct report_style){.others = false}); /* without the main thread */
    ck_assert_ptr_nonnull(strstr(text, "every thread: threadleak report --all 4242"));
    free(text);
    for (size_t i = 0; i < 7; i++)
        many[i] = two[0];
    one_group[0].threads = many;
    one_group[0].thread_count = 7;
    text = printed(&report_text, (struct report_style){.others = true});
    ck_assert_ptr_nonnull(strstr(text, "every thread: threadleak report --all 4242"));
    free(text);
}
END_TEST

START_TEST(deep_stacks_are_cut_in_their_middle)
{
    static struct frame deep[100];
    static char names[100][16];
    fill_present();
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "f%d", i);
        deep[i] = frame_in(names[i], pool_c, i + 1);
    }
    struct present_stack stack = {.frames = deep, .count = 100};
    at_condvar[0].stack = at_condvar[1].stack = &stack;
    TEXT("present_deep", .color = false);
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

/* ---- JSON ----------------------------------------------------------------------------------------- */

START_TEST(json_of_all)
{
    static struct thread_info task = {.tid = 4250, .name = "iou-wrk-1"};
    static struct leak_group groups[2];
    groups[0] = groups[1] = one_group[0];
    plain_stack[0].file = "/src/app/pool.c";
    plain_stack[1].file = "/src/app/main.c";
    plain_stack[0].inlined = true;
    groups[0].joined_at = &plain_stack[1];
    groups[1].kind = LEAK_UNJOINED;
    groups[1].counted = false;
    groups[1].suppressed_by = "thread:pool_start";
    groups[1].truncated = true;
    groups[1].thread_count = 1;
    one_process[0].groups = groups;
    one_process[0].group_count = 2;
    one_process[0].untracked = &task;
    one_process[0].untracked_count = one_process[0].counts.untracked = 1;
    one_process[0].counts.lost = 3;
    report.summary.suppressed_threads = 1;
    json_is("all");
}
END_TEST

/* What is not known is null. */
START_TEST(json_of_nothing_known)
{
    static struct frame nothing;
    static struct thread_info thread = {.id = 2, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    one_group[0] = (struct leak_group){.kind = LEAK_DETACHED,
                                       .fingerprint = "9f00000000000002",
                                       .stack = &nothing,
                                       .stack_count = 1,
                                       .threads = &thread,
                                       .thread_count = 1};
    one_process[0] = (struct process_report){
        .pid = 4242, .watched = true, .how = END_SIGNAL, .groups = one_group, .group_count = 1};
    report.argv = NULL;
    json_is("unknown");
}
END_TEST

START_TEST(json_ends)
{
    static const struct {
        const char *name;
        enum end_how how;
        int signal;
        bool status_known;
    } cases[] = {{"exec", END_EXEC, 0, false},
                 {"signal", END_SIGNAL, 11, false},
                 {"alive", END_ALIVE, 0, false},
                 {"_exit", END__EXIT, 0, true},
                 {"quick_exit", END_QUICK_EXIT, 0, true}};
    one_process[0].group_count = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char name[64];
        one_process[0].how = cases[i].how;
        one_process[0].signal = cases[i].signal;
        one_process[0].status_known = cases[i].status_known;
        one_process[0].status = 7;
        one_process[0].judged = false;
        snprintf(name, sizeof(name), "end_%s", cases[i].name);
        json_is(name);
    }
    report.process_count = 0;
    json_is("none");
}
END_TEST

START_TEST(json_is_always_utf8)
{
    /* Lone, cut off, overlong, a surrogate, above U+10FFFF; and what is well-formed. */
    static char *argv[] = {"\xff", "a\xc3",      "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "ö€😀",  "\033\n\"\\", NULL};
    static struct thread_info task = {.tid = 4250, .name = "\xe2\x82"};
    strcpy(two[0].name, "bad \xe9 name");
    plain_stack[0].function = "f\xfe";
    plain_stack[0].file = "/src/\xfd.c";
    plain_stack[1].file = NULL;
    plain_stack[1].module = "/lib/\xfc.so";
    one_process[0].argv = report.argv = argv;
    one_process[0].exe = "/usr/bin/\xfb";
    one_process[0].untracked = &task;
    one_process[0].untracked_count = one_process[0].counts.untracked = 1;
    json_is("utf8");
}
END_TEST

/* ---- formats ------------------------------------------------------------------------------------------ */

START_TEST(formats_by_name)
{
    ck_assert_ptr_eq(report_format_find("text"), &report_text);
    ck_assert_ptr_eq(report_format_find("json"), &report_json);
    ck_assert_ptr_null(report_format_find("tex"));
    ck_assert_ptr_null(report_format_find(""));
    ck_assert_str_eq(report_format_names(), "text, json, junit, sarif, github, gitlab, tap");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    static const struct report_format *const formats[] = {&report_text, &report_json};
    FILE *full = fopen("/dev/full", "we");
    ck_assert_ptr_nonnull(full);
    errno = 0;
    ck_assert(!formats[_i]->print(full, &report, &(struct report_style){.verbose = 0}));
    ck_assert_int_eq(errno, ENOSPC);
    fclose(full);
}
END_TEST

static void find_here(void)
{
    char here[PATH_MAX - 32];
    if (!getcwd(here, sizeof(here)))
        abort();
    snprintf(pool_c, sizeof(pool_c), "%s/./src/pool.c", here);
    snprintf(main_c, sizeof(main_c), "%s/src/main.c", here);
}

int main(void)
{
    TCase *tests = tcase_create("report");
    find_here();
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, one_leak);
    tcase_add_test(tests, two_kinds);
    tcase_add_test(tests, a_thousand_threads_at_one_site);
    tcase_add_test(tests, several_processes);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, control_characters);
    tcase_add_test(tests, not_counted);
    tcase_add_test(tests, ends);
    tcase_add_test(tests, alive);
    tcase_add_test(tests, nothing_leaked);
    tcase_add_test(tests, stacks_that_are_not_whole);
    tcase_add_test(tests, no_symbols);
    tcase_add_test(tests, equal_places_are_one_block);
    tcase_add_test(tests, own_objects_are_one_block);
    tcase_add_test(tests, each_place_has_its_block);
    tcase_add_test(tests, main_and_strangers);
    tcase_add_test(tests, not_watched);
    tcase_add_test(tests, start_of_a_runtime);
    tcase_add_test(tests, nobody_looked_where_they_are);
    tcase_add_test(tests, name_of_the_process);
    tcase_add_test(tests, all_is_shown_already);
    tcase_add_test(tests, deep_stacks_are_cut_in_their_middle);
    tcase_add_test(tests, lost_and_untracked);
    tcase_add_test(tests, durations);
    tcase_add_test(tests, json_of_all);
    tcase_add_test(tests, json_of_nothing_known);
    tcase_add_test(tests, json_ends);
    tcase_add_test(tests, json_is_always_utf8);
    tcase_add_test(tests, formats_by_name);
    tcase_add_loop_test(tests, a_full_disk_is_told, 0, 2);
    Suite *suite = suite_create("report");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
