/* Verdict and grouping: from made-up ledgers to the model of a report. */
#include <check.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ignore.h"
#include "leak.h"
#include "ledger_fake.h"
#include "options.h"

#define SECOND 1000000000ull
#define EXITED(status) ((status) << 8)
#define KILLED(signal) (signal)

/* With how they end; running ones have not. */
enum { ALIVE = SLOT_STARTED, ENDED = SLOT_STARTED | SLOT_ENDED };

static struct fake *fake;
static struct symbolizer *symbolizer;
static struct ignore *ignore;
static struct report *report;
static struct verdict_rules rules;
static uint32_t app, lib, self; /* modules; self: this program, whose functions can be named */

static void setup(void)
{
    fake = fake_new();
    fake_exe(fake, "/nonexistent/app");
    app = fake_module(fake, "/nonexistent/app", "\x01\x02\x03\x04", 4);
    lib = fake_module(fake, "/nonexistent/libpool.so", NULL, 0);
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    self = fake_module(fake, path, NULL, 0);
    symbolizer = symbolizer_new(false);
    ignore = ignore_new();
    report = report_new();
    rules = (struct verdict_rules){
        .kinds = KIND_ALL, .judge = JUDGE_EXIT, .ignore = ignore, .symbolizer = symbolizer};
}

static void teardown(void)
{
    report_free(report);
    ignore_free(ignore);
    symbolizer_free(symbolizer);
    fake_free(fake);
}

static void add(const struct known_end *end)
{
    struct error error = {""};
    struct ledger *ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledger);
    ck_assert_msg(report_add_ledger(report, ledger, end, &rules, &error), "%s", error.text);
    ledger_close(ledger); /* nothing of the report lives in it */
}

static const struct process_report *build(const struct known_end *end)
{
    add(end);
    report_finish(report);
    return report->process_count ? &report->processes[0] : NULL;
}

/* What is left at an ordinary, judged end. */
static const struct process_report *build_exit(void)
{
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    return build(&(struct known_end){.known = true, .wait_status = EXITED(0)});
}

static uint32_t site_at(uint64_t offset)
{
    return fake_site(fake, (ledger_pc[]){fake_pc(app, offset), fake_pc(app, 0x900)}, 2);
}

static uint32_t thread(uint32_t site, uint32_t state)
{
    return fake_thread(fake, &(struct fake_thread){.site = site, .state = state, .created_by = 1});
}

/* ---- code of our own that frames can lie in ----------------------------------------- */

__attribute__((noinline)) static void first_user_function(void)
{
    __asm__ volatile("nop; nop" ::: "memory");
}

__attribute__((noinline)) static void second_user_function(void)
{
    __asm__ volatile("nop; nop; nop" ::: "memory");
}

static int note_base(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uint64_t *)base = info->dlpi_addr;
    return 1; /* the first is the program */
}

/* Where a call made at the beginning of the function would return to. */
static ledger_pc pc_in(void (*function)(void))
{
    uint64_t base = 0;
    dl_iterate_phdr(note_base, &base);
    return fake_pc(self, (uint64_t)function - base + 1);
}

static void load_rule(const char *rule)
{
    char path[] = "/tmp/check_leak.XXXXXX";
    struct error error;
    FILE *file = fdopen(mkstemp(path), "w");
    fprintf(file, "%s\n", rule);
    fclose(file);
    ck_assert_msg(ignore_load(ignore, path, &error), "%s", error.text);
    unlink(path);
}

/* ---- kinds ---------------------------------------------------------------------------- */

static const struct {
    uint32_t state;
    int kind; /* -1: nothing is left of it */
} states[] = {
    {0, LEAK_RUNNING}, /* created, and not begun to run */
    {ALIVE, LEAK_RUNNING},
    {ALIVE | SLOT_JOINING, LEAK_RUNNING},
    {ALIVE | SLOT_SMALL_STACK, LEAK_RUNNING},
    {ALIVE | SLOT_DETACHED, LEAK_DETACHED},
    {SLOT_DETACHED, LEAK_DETACHED},
    {ENDED, LEAK_UNJOINED},
    {ENDED | SLOT_JOINING, LEAK_UNJOINED},
    {ENDED | SLOT_JOINED, -1},
    {ENDED | SLOT_JOINING | SLOT_JOINED, -1},
    {ENDED | SLOT_DETACHED, -1},
    {ENDED | SLOT_DETACHED | SLOT_JOINING, -1},
};

START_TEST(the_state_tells_the_kind)
{
    thread(site_at(0x100), states[_i].state);
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.created, 1);
    if (states[_i].kind < 0) {
        ck_assert_uint_eq(process->group_count, 0);
        ck_assert_uint_eq(report->summary.leaked_threads, 0);
        return;
    }
    ck_assert_uint_eq(process->group_count, 1);
    const struct leak_group *group = &process->groups[0];
    ck_assert_int_eq(group->kind, states[_i].kind);
    ck_assert(group->counted);
    ck_assert_uint_eq(group->thread_count, 1);
    ck_assert_uint_eq(group->threads[0].id, 2);
    ck_assert_int_eq(group->threads[0].being_joined, !!(states[_i].state & SLOT_JOINING));
    ck_assert_uint_eq(process->counts.alive, states[_i].kind != LEAK_UNJOINED);
    ck_assert_uint_eq(process->counts.unjoined, states[_i].kind == LEAK_UNJOINED);
    ck_assert_uint_eq(report->summary.leaked_threads, 1);
    ck_assert_uint_eq(report->summary.leak_sites, 1);
}
END_TEST

START_TEST(the_thread_that_runs_exit_is_no_leak)
{
    uint32_t site = site_at(0x100);
    thread(site, ALIVE);
    thread(site, ALIVE);
    fake_header(fake)->end_serial = 3;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
    ck_assert_uint_eq(process->groups[0].threads[0].id, 2);
    ck_assert_uint_eq(process->counts.alive, 1);
}
END_TEST

START_TEST(before_the_end_nobody_runs_exit)
{
    thread(site_at(0x100), ALIVE);
    fake_header(fake)->end_serial = 2; /* written before `end` is */
    const struct process_report *process = build(&(struct known_end){.alive = false});
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
}
END_TEST

/* ---- ends --------------------------------------------------------------------------------- */

static const struct {
    enum ledger_end recorded;
    bool end_judged;
    struct known_end known;
    unsigned judge;
    bool judge_live;
    enum end_how how;
    bool judged;
    int status; /* -1: unknown */
    int signal;
} ends[] = {
    /* What the shim saw, it judged itself. */
    {LEDGER_END_EXIT, true, {.known = true, .wait_status = EXITED(3)}, 0, false, END_EXIT, true, 3, 0},
    {LEDGER_END_EXIT, false, {.known = false}, JUDGE_ALL, true, END_EXIT, false, 3, 0},
    {LEDGER_END_EXIT, true, {.alive = true}, 0, false, END_EXIT, true, 3, 0}, /* waits for its report */
    {LEDGER_END__EXIT, false, {.known = false}, JUDGE_ALL, false, END__EXIT, false, 3, 0},
    {LEDGER_END_QUICK_EXIT, true, {.known = false}, 0, false, END_QUICK_EXIT, true, 3, 0},
    {LEDGER_END_EXEC, true, {.known = true, .wait_status = EXITED(7)}, 0, false, END_EXEC, true, -1, 0},
    /* exitcode= comes after the end was recorded. */
    {LEDGER_END_EXIT, true, {.known = true, .wait_status = EXITED(9)}, 0, false, END_EXIT, true, 9, 0},
    /* It died on the way, after what it left was judged. */
    {LEDGER_END_EXIT,
     true,
     {.known = true, .wait_status = KILLED(SIGABRT)},
     0,
     false,
     END_SIGNAL,
     true,
     -1,
     SIGABRT},
    {LEDGER_END_EXEC,
     false,
     {.known = true, .wait_status = KILLED(SIGABRT)},
     0,
     false,
     END_EXEC,
     false,
     -1,
     0},
    /* What it did not see is judged by the rules. */
    {LEDGER_END_NONE, true, {.known = false}, JUDGE_EXIT, true, END_SIGNAL, false, -1, 0},
    {LEDGER_END_NONE, false, {.known = false}, JUDGE_SIGNAL, false, END_SIGNAL, true, -1, 0},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = KILLED(SIGSEGV)},
     JUDGE_ALL,
     false,
     END_SIGNAL,
     true,
     -1,
     SIGSEGV},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = KILLED(SIGKILL)},
     JUDGE_EXIT,
     false,
     END_SIGNAL,
     false,
     -1,
     SIGKILL},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = EXITED(4)},
     JUDGE__EXIT,
     false,
     END__EXIT,
     true,
     4,
     0},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = EXITED(4)},
     JUDGE_EXIT,
     false,
     END__EXIT,
     false,
     4,
     0},
    {LEDGER_END_NONE, false, {.alive = true}, JUDGE_ALL, false, END_ALIVE, false, -1, 0},
    {LEDGER_END_NONE, false, {.alive = true}, 0, true, END_ALIVE, true, -1, 0},
};

START_TEST(how_it_ended)
{
    thread(site_at(0x100), ALIVE);
    if (ends[_i].recorded)
        fake_end(fake, ends[_i].recorded, 3, ends[_i].end_judged);
    fake_header(fake)->pid = 0x7ffffff0; /* nobody's */
    rules.judge = ends[_i].judge;
    rules.judge_live = ends[_i].judge_live;
    const struct process_report *process = build(&ends[_i].known);
    ck_assert_str_eq(end_how_name(process->how), end_how_name(ends[_i].how));
    ck_assert_int_eq(process->judged, ends[_i].judged);
    ck_assert_int_eq(process->live, ends[_i].known.alive);
    ck_assert_int_eq(process->status_known, ends[_i].status >= 0);
    if (ends[_i].status >= 0)
        ck_assert_int_eq(process->status, ends[_i].status);
    ck_assert_int_eq(process->signal, ends[_i].signal);
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_int_eq(process->groups[0].counted, ends[_i].judged);
    ck_assert_uint_eq(report->summary.leaked_threads, ends[_i].judged);
}
END_TEST

/* ---- groups --------------------------------------------------------------------------------- */

START_TEST(a_group_is_a_kind_of_a_site)
{
    uint32_t one = site_at(0x100), two = site_at(0x200);
    thread(one, ALIVE);                 /* 2 */
    thread(two, ALIVE);                 /* 3 */
    thread(one, ENDED);                 /* 4 */
    thread(two, ALIVE | SLOT_DETACHED); /* 5 */
    thread(two, ALIVE);                 /* 6 */
    thread(one, ENDED);                 /* 7 */
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 4);

    static const struct {
        enum leak_kind kind;
        size_t count;
        uint64_t ids[2];
    } expected[] = {{LEAK_RUNNING, 2, {3, 6}},
                    {LEAK_RUNNING, 1, {2}},
                    {LEAK_DETACHED, 1, {5}},
                    {LEAK_UNJOINED, 2, {4, 7}}};
    for (size_t i = 0; i < 4; i++) {
        const struct leak_group *group = &process->groups[i];
        ck_assert_int_eq(group->kind, expected[i].kind);
        ck_assert_uint_eq(group->thread_count, expected[i].count);
        for (size_t j = 0; j < group->thread_count; j++)
            ck_assert_uint_eq(group->threads[j].id, expected[i].ids[j]);
    }
    ck_assert_uint_eq(process->groups[0].site, process->groups[2].site);
    ck_assert_uint_eq(process->groups[1].site, process->groups[3].site);
    ck_assert_uint_ne(process->groups[0].site, process->groups[1].site);
    ck_assert(process->groups[0].first_of_site && process->groups[1].first_of_site);
    ck_assert(!process->groups[2].first_of_site && !process->groups[3].first_of_site);
    ck_assert_uint_eq(report->summary.leaked_threads, 6);
    ck_assert_uint_eq(report->summary.leak_sites, 2);
}
END_TEST

START_TEST(records_of_one_stack_are_one_site)
{
    uint32_t one = site_at(0x100), same = site_at(0x100), longer;
    longer = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x100), fake_pc(app, 0x900), fake_pc(app, 1)}, 3);
    thread(one, ALIVE);
    thread(same, ALIVE);
    thread(longer, ALIVE);
    fake_joined(fake, one, 2, 0);
    fake_joined(fake, same, 3, pc_in(second_user_function));
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    ck_assert_uint_eq(process->groups[0].thread_count, 2);
    ck_assert_uint_eq(process->groups[0].site_created, 7);
    ck_assert_uint_eq(process->groups[0].site_joined, 5);
    ck_assert_str_eq(process->groups[0].joined_at->function, "second_user_function");
    ck_assert_uint_eq(process->groups[1].site_created, 1);
    ck_assert_uint_eq(process->groups[1].stack_count, 3);
    ck_assert_uint_eq(report->summary.leak_sites, 2);
}
END_TEST

START_TEST(only_kinds_that_were_asked_for_count)
{
    uint32_t site = site_at(0x100);
    thread(site, ALIVE);
    thread(site, ALIVE | SLOT_DETACHED);
    thread(site, ENDED);
    rules.kinds = KIND_UNJOINED;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 3);
    ck_assert_int_eq(process->groups[0].kind, LEAK_UNJOINED); /* counted first */
    ck_assert(process->groups[0].counted);
    ck_assert(!process->groups[1].counted && !process->groups[2].counted);
    ck_assert_uint_eq(report->summary.leaked_threads, 1);
    ck_assert_uint_eq(report->summary.suppressed_threads, 0);
}
END_TEST

START_TEST(suppressed_ones_do_not_count)
{
    uint32_t noise = fake_site(fake, (ledger_pc[]){fake_pc(lib, 0x10), fake_pc(app, 0x900)}, 2);
    for (int i = 0; i < 3; i++)
        thread(noise, ALIVE);
    thread(site_at(0x100), ALIVE);
    load_rule("thread:libpool.so$");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    ck_assert(process->groups[0].counted);
    ck_assert_ptr_null(process->groups[0].suppressed_by);
    ck_assert(!process->groups[1].counted);
    ck_assert_str_eq(process->groups[1].suppressed_by, "thread:libpool.so$");
    ck_assert_uint_eq(report->summary.leaked_threads, 1);
    ck_assert_uint_eq(report->summary.leak_sites, 1);
    ck_assert_uint_eq(report->summary.suppressed_threads, 3);
}
END_TEST

START_TEST(the_start_routine_is_suppressed_by_too)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .start_pc = pc_in(second_user_function) - 1});
    load_rule("thread:^second_user_function$");
    const struct process_report *process = build_exit();
    ck_assert_str_eq(process->groups[0].suppressed_by, "thread:^second_user_function$");
    ck_assert_str_eq(process->groups[0].start_routine->function, "second_user_function");
}
END_TEST

/* ---- stacks ----------------------------------------------------------------------------------- */

START_TEST(frames_say_where_they_are)
{
    uint32_t site = fake_site(
        fake, (ledger_pc[]){fake_pc(lib, 0x10), fake_pc(LEDGER_NO_MODULE, 0x7000), fake_pc(app, 0x900)}, 3);
    fake_site_at(fake, site)->flags = SITE_TRUNCATED;
    thread(site, ALIVE);
    const struct leak_group *group = &build_exit()->groups[0];
    ck_assert(group->truncated);
    ck_assert_uint_eq(group->stack_count, 3);
    const struct frame *frame = group->stack;
    ck_assert_str_eq(frame[0].module, "/nonexistent/libpool.so");
    ck_assert_ptr_null(frame[0].build_id);
    ck_assert_ptr_null(frame[0].function);
    ck_assert_uint_eq(frame[0].offset, 0x10);
    ck_assert_uint_eq(frame[0].pc, fake_module_at(fake, lib)->bias + 0x10);
    ck_assert_ptr_null(frame[1].module); /* made at run time */
    ck_assert_uint_eq(frame[1].pc, 0x7000);
    ck_assert_str_eq(frame[2].module, "/nonexistent/app");
    ck_assert_str_eq(frame[2].build_id, "01020304");
}
END_TEST

START_TEST(no_stack_is_an_empty_one)
{
    thread(0, ALIVE);
    thread(fake_site(fake, (ledger_pc[]){0}, 0), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 2);
    ck_assert_uint_eq(process->groups[0].stack_count, 0);
    ck_assert_ptr_null(process->groups[0].own);
    ck_assert_ptr_null(process->groups[0].start_routine);
    ck_assert_ptr_null(process->groups[0].joined_at);
    ck_assert_uint_eq(strlen(process->groups[0].fingerprint), 16);
    ck_assert_uint_eq(process->counts.created, 2);
}
END_TEST

START_TEST(the_first_frame_that_is_the_users_own)
{
    uint32_t runtime = fake_module(fake, "/nonexistent/libstdc++.so.6", NULL, 0);
    ledger_pc frames[] = {fake_pc(runtime, 0x10), pc_in(first_user_function), pc_in(second_user_function)};
    thread(fake_site(fake, frames, 3), ALIVE);
    const struct leak_group *group = &build_exit()->groups[0];
    ck_assert(group->stack[0].runtime);
    ck_assert_ptr_eq(group->own, &group->stack[1]);
    ck_assert_str_eq(group->own->function, "first_user_function");
    ck_assert_str_eq(group->stack[2].function, "second_user_function");
}
END_TEST

START_TEST(one_start_routine_or_none)
{
    uint32_t one = site_at(0x100), two = site_at(0x200);
    ledger_pc first = pc_in(first_user_function) - 1, second = pc_in(second_user_function) - 1;
    fake_thread(fake, &(struct fake_thread){.site = one, .state = ALIVE, .start_pc = first});
    fake_thread(fake, &(struct fake_thread){.site = one, .state = ALIVE, .start_pc = first});
    fake_thread(fake, &(struct fake_thread){.site = two, .state = ALIVE, .start_pc = first});
    fake_thread(fake, &(struct fake_thread){.site = two, .state = ALIVE, .start_pc = second});
    const struct process_report *process = build_exit();
    ck_assert_str_eq(process->groups[0].start_routine->function, "first_user_function");
    ck_assert_ptr_null(process->groups[1].start_routine);
}
END_TEST

START_TEST(where_others_of_the_site_are_joined)
{
    uint32_t site = site_at(0x100);
    thread(site, ALIVE);
    fake_joined(fake, site, 4, pc_in(second_user_function));
    const struct process_report *process = build_exit();
    ck_assert_str_eq(process->groups[0].joined_at->function, "second_user_function");
    ck_assert_uint_eq(process->groups[0].site_joined, 4);
    ck_assert_uint_eq(process->groups[0].site_created, 5);
    ck_assert_uint_eq(process->counts.created, 5);
    ck_assert_uint_eq(process->counts.joined, 4);
}
END_TEST

/* ---- fingerprints ------------------------------------------------------------------------------- */

static void fingerprint_of(char out[17], ledger_pc leaf, uint32_t state, uint64_t bias)
{
    thread(fake_site(fake, (ledger_pc[]){leaf, fake_pc(app, 0x900)}, 2), state);
    fake_module_at(fake, app)->bias = bias;
    strcpy(out, build_exit()->groups[0].fingerprint);
    teardown();
    setup();
}

START_TEST(fingerprints_are_of_the_code_alone)
{
    char prints[6][17];
    fingerprint_of(prints[0], fake_pc(app, 0x100), ALIVE, 0x1000);
    fingerprint_of(prints[1], fake_pc(app, 0x100), ALIVE, 0x555500000000);
    fingerprint_of(prints[2], fake_pc(app, 0x101), ALIVE, 0x1000);
    fingerprint_of(prints[3], fake_pc(app, 0x100), ENDED, 0x1000);
    fingerprint_of(prints[4], fake_pc(lib, 0x100), ALIVE, 0x1000);
    /* Whether a joinable thread had ended is a matter of time. */
    const bool is_same[5] = {true, true, false, true, false};
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++)
            ck_assert_msg((is_same[i] && is_same[j]) == !strcmp(prints[i], prints[j]), "%d and %d", i, j);

    /* With a function known, neither its line nor its place in the file matters. */
    fingerprint_of(prints[0], pc_in(first_user_function), ALIVE, 0x1000);
    fingerprint_of(prints[1], pc_in(first_user_function) + 1, ALIVE, 0x1000);
    fingerprint_of(prints[2], pc_in(second_user_function), ALIVE, 0x1000);
    ck_assert_str_eq(prints[0], prints[1]);
    ck_assert_str_ne(prints[0], prints[2]);
}
END_TEST

/* ---- threads -------------------------------------------------------------------------------------- */

static const struct thread_info *the_thread(const struct process_report *process)
{
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
    return &process->groups[0].threads[0];
}

START_TEST(what_the_last_look_saw)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .tid = 77,
                                            .name = "worker",
                                            .created_by = 9,
                                            .created_ns = 8 * SECOND + SECOND / 2,
                                            .look_state = 'S',
                                            .look_cpu_ns = SECOND / 4});
    const struct thread_info *info = the_thread(build_exit()); /* at 10 s */
    ck_assert_int_eq(info->tid, 77);
    ck_assert_str_eq(info->name, "worker");
    ck_assert_uint_eq(info->created_by, 9);
    ck_assert(fabs(info->age_s - 1.5) < 1e-9);
    ck_assert(info->ended_s < 0);
    ck_assert(fabs(info->cpu_s - 0.25) < 1e-9);
    ck_assert_int_eq(info->state, 'S');
}
END_TEST

START_TEST(a_finished_thread_has_no_state)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ENDED,
                                            .ended_ns = 7 * SECOND,
                                            .look_state = 'S',
                                            .look_cpu_ns = SECOND});
    const struct thread_info *info = the_thread(build_exit());
    ck_assert(fabs(info->ended_s - 3) < 1e-9);
    ck_assert(fabs(info->age_s - 8) < 1e-9);
    ck_assert(info->cpu_s < 0);
    ck_assert_int_eq(info->state, 0);
    ck_assert_int_eq(info->tid, 0);
    ck_assert_uint_eq(info->created_by, 0);
    ck_assert_str_eq(info->name, "");
}
END_TEST

START_TEST(without_an_end_ages_are_unknown)
{
    thread(site_at(0x100), ALIVE);
    const struct thread_info *info = the_thread(build(&(struct known_end){.alive = false}));
    ck_assert(info->age_s < 0 && info->cpu_s < 0 && info->ended_s < 0);
}
END_TEST

START_TEST(created_after_the_end_is_no_age_below_zero)
{
    fake_thread(fake,
                &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .created_ns = 11 * SECOND});
    ck_assert(the_thread(build_exit())->age_s == 0);
}
END_TEST

START_TEST(a_name_without_its_end)
{
    uint32_t index = thread(site_at(0x100), ALIVE);
    memset((void *)fake_slot(fake, index)->name, 'x', 16);
    fake_slot(fake, index)->name_seq = 2;
    ck_assert_str_eq(the_thread(build_exit())->name, "xxxxxxxxxxxxxxx");
}
END_TEST

START_TEST(a_name_half_written_is_unknown)
{
    uint32_t index =
        fake_thread(fake, &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .name = "half"});
    fake_slot(fake, index)->name_seq = 3;
    ck_assert_str_eq(the_thread(build_exit())->name, "");
}
END_TEST

/* ---- processes --------------------------------------------------------------------------------------- */

START_TEST(who_it_was)
{
    fake_argv(fake, (const char *const[]){"./app", "-v", "", "x y", NULL});
    thread(site_at(0x100), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_int_eq(process->pid, 4242);
    ck_assert_int_eq(process->parent_pid, 4241);
    ck_assert_str_eq(process->exe, "/nonexistent/app");
    static const char *const expected[] = {"./app", "-v", "", "x y"};
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(process->argv[i], expected[i]);
    ck_assert_ptr_null(process->argv[4]);
}
END_TEST

START_TEST(nothing_known_is_null)
{
    fake_header(fake)->exe = 0;
    thread(site_at(0x100), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_ptr_null(process->exe);
    ck_assert_ptr_null(process->argv);
}
END_TEST

START_TEST(more_arguments_than_there_are)
{
    fake_argv(fake, (const char *const[]){"./app", NULL});
    fake_header(fake)->argc = UINT32_MAX;
    thread(site_at(0x100), ALIVE);
    ck_assert_str_eq(build_exit()->argv[0], "./app");
}
END_TEST

START_TEST(without_threads_it_is_only_counted)
{
    ck_assert_ptr_null(build_exit());
    ck_assert_uint_eq(report->summary.processes, 1);
    ck_assert_uint_eq(report->summary.leaked_threads, 0);
}
END_TEST

START_TEST(lost_threads_are_told)
{
    fake_header(fake)->lost_events = 12;
    const struct process_report *process = build_exit();
    ck_assert_ptr_nonnull(process);
    ck_assert_uint_eq(process->counts.lost, 12);
    ck_assert_uint_eq(process->counts.created, 0);
}
END_TEST

START_TEST(several_processes_add_up)
{
    thread(site_at(0x100), ALIVE);
    thread(site_at(0x100), ENDED);
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)});
    fake_header(fake)->pid = 4243;
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)});
    fake_header(fake)->end = LEDGER_END_EXEC; /* went on to another program */
    fake_header(fake)->end_judged = false;
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)});
    report_finish(report);
    ck_assert_uint_eq(report->process_count, 3);
    ck_assert_uint_eq(report->summary.processes, 2); /* a pid once */
    ck_assert_uint_eq(report->summary.leaked_threads, 4);
    ck_assert_uint_eq(report->summary.leak_sites, 2);
}
END_TEST

START_TEST(what_the_process_counted)
{
    uint32_t one = site_at(0x100);
    thread(one, ALIVE | SLOT_DETACHED);
    thread(0, ALIVE);
    thread(one, ENDED);
    fake_joined(fake, one, 5, fake_pc(app, 0x700));
    fake_header(fake)->peak = 3;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.created, 8); /* site 0 among them */
    ck_assert_uint_eq(process->counts.joined, 5);
    ck_assert_uint_eq(process->counts.detached, 1);
    ck_assert_uint_eq(process->counts.alive, 2);
    ck_assert_uint_eq(process->counts.unjoined, 1);
    ck_assert_uint_eq(process->counts.peak, 3);
}
END_TEST

START_TEST(a_site_that_is_none)
{
    uint32_t index = thread(site_at(0x100), ALIVE);
    fake_slot(fake, index)->site = 0x7fffffff;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->groups[0].stack_count, 0);
}
END_TEST

/* ---- untracked ---------------------------------------------------------------------------------------- */

START_TEST(untracked_at_the_end)
{
    thread(site_at(0x100), ALIVE);
    for (int i = 0; i < LEDGER_UNTRACKED_MAX + 3; i++)
        fake_untracked(fake, 100 + i, "iou-wrk-1");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, LEDGER_UNTRACKED_MAX + 3);
    ck_assert_uint_eq(process->untracked_count, LEDGER_UNTRACKED_MAX);
    ck_assert_int_eq(process->untracked[1].tid, 101);
    ck_assert_str_eq(process->untracked[1].name, "iou-wrk-1");
    ck_assert_uint_eq(report->summary.leaked_threads, 1);
}
END_TEST

/* One that began after that look, and one that never did: the youngest, which stands last. */
START_TEST(not_begun_at_the_end_is_not_untracked)
{
    uint32_t site = site_at(0x100);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .tid = 102});
    fake_thread(fake, &(struct fake_thread){.site = site, .state = SLOT_DETACHED});
    for (int i = 0; i < 4; i++)
        fake_untracked(fake, 100 + i, "x");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, 2);
    ck_assert_uint_eq(process->untracked_count, 2);
    ck_assert_int_eq(process->untracked[0].tid, 100);
    ck_assert_int_eq(process->untracked[1].tid, 101);
}
END_TEST

START_TEST(not_begun_among_more_than_are_listed)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100)});
    for (int i = 0; i < LEDGER_UNTRACKED_MAX + 3; i++)
        fake_untracked(fake, 100 + i, "iou-wrk-1");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, LEDGER_UNTRACKED_MAX + 2);
    ck_assert_uint_eq(process->untracked_count, LEDGER_UNTRACKED_MAX);
}
END_TEST

START_TEST(nobody_looked_for_untracked_ones)
{
    thread(site_at(0x100), ALIVE);
    fake_untracked(fake, 100, "x");
    const struct process_report *process = build(&(struct known_end){.alive = false});
    ck_assert_uint_eq(process->counts.untracked, 0);
    ck_assert_uint_eq(process->untracked_count, 0);
}
END_TEST

/* ---- a live process: this one ---------------------------------------------------------------------------
 */

static _Atomic pid_t helper_tids[2];

static void *helper(void *which)
{
    pthread_setname_np(pthread_self(), which ? "stranger" : "known");
    helper_tids[which != NULL] = (pid_t)syscall(SYS_gettid);
    for (;;)
        pause();
    return NULL;
}

static void start_helpers(void)
{
    pthread_t handle;
    for (intptr_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&handle, NULL, helper, (void *)i), 0);
        while (!helper_tids[i])
            sched_yield();
    }
}

/* The ledger becomes that of this process, as the shim would have it. */
static void map_ledger(void)
{
    size_t size;
    const unsigned char *bytes = fake_bytes(fake, &size);
    int fd = memfd_create(LEDGER_MEMFD_NAME, MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    ck_assert_ptr_ne(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}

static const struct process_report *build_live(void)
{
    struct timespec now;
    struct ledger *ledger = NULL;
    struct error error = {""};
    start_helpers();
    clock_gettime(CLOCK_MONOTONIC, &now);
    fake_header(fake)->pid = getpid();
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .tid = helper_tids[0],
                                            .name = "before",
                                            .look_state = 'Z',
                                            .created_ns = (uint64_t)now.tv_sec * SECOND});
    map_ledger();
    ck_assert_msg(ledger_open_process(getpid(), &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    const struct known_end end = {.alive = true, .pid = getpid()};
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    report_finish(report);
    return &report->processes[0];
}

START_TEST(live_facts_come_from_proc)
{
    const struct process_report *process = build_live();
    ck_assert_int_eq(process->how, END_ALIVE);
    ck_assert(process->live && !process->judged && !process->groups[0].counted);
    const struct thread_info *info = the_thread(process);
    ck_assert_str_eq(info->name, "known");
    ck_assert(info->state == 'S' || info->state == 'R');
    ck_assert(info->cpu_s >= 0 && info->cpu_s < 60);
    ck_assert(info->age_s >= 0 && info->age_s < 60);
}
END_TEST

START_TEST(live_untracked_are_found)
{
    const struct process_report *process = build_live();
    ck_assert_uint_eq(process->counts.untracked, 1);
    ck_assert_uint_eq(process->untracked_count, 1);
    ck_assert_int_eq(process->untracked[0].tid, helper_tids[1]);
    ck_assert_str_eq(process->untracked[0].name, "stranger");
}
END_TEST

/* Created, and without a tid: the youngest of the two that are in /proc alone is left out. */
START_TEST(live_and_not_begun_is_told_once)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_header(fake)->pid = getpid();
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100)});
    map_ledger();
    struct ledger *ledger = fake_open(fake);
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    ck_assert_uint_eq(report->processes[0].groups[0].thread_count, 1);
    ck_assert_int_eq(the_thread(&report->processes[0])->tid, 0);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 1);
    ck_assert_int_eq(report->processes[0].untracked[0].tid, helper_tids[0]);
}
END_TEST

/* It is in the ledger only by the time of the second look. */
START_TEST(one_that_began_meanwhile_is_not_untracked)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_header(fake)->pid = getpid();
    uint32_t site = site_at(0x100);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .tid = helper_tids[0]});
    struct ledger *before = fake_open(fake);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .tid = helper_tids[1]});
    map_ledger();
    ck_assert(report_add_ledger(report, before, &end, &rules, &error));
    ledger_close(before);
    ck_assert_uint_eq(report->processes[0].groups[0].thread_count, 1);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 0);
}
END_TEST

START_TEST(the_thread_that_runs_exit_is_not_untracked)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    fake_header(fake)->pid = getpid();
    fake_header(fake)->end_tid = helper_tids[1]; /* its slot is gone */
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .tid = helper_tids[0]});
    map_ledger();
    struct ledger *ledger = fake_open(fake);
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 0);
}
END_TEST

/* Not to be looked at again: nobody is accused. */
START_TEST(what_can_not_be_looked_at_again_is_not_untracked)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_header(fake)->pid = getpid();
    thread(site_at(0x100), ALIVE);
    struct ledger *ledger = fake_open(fake);
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 0);
}
END_TEST

START_TEST(in_its_exit_it_is_judged_and_looked_at)
{
    fake_end(fake, LEDGER_END_EXIT, 5, true);
    const struct process_report *process = build_live();
    ck_assert_int_eq(process->how, END_EXIT);
    ck_assert(process->live && process->judged && process->groups[0].counted);
    ck_assert_int_eq(process->status, 5);
    const struct thread_info *info = the_thread(process);
    ck_assert_str_eq(info->name, "known");
    ck_assert(info->age_s >= 0 && info->age_s < 60); /* not as of the end that was made up */
}
END_TEST

START_TEST(another_pid_namespace_has_other_tids)
{
    fake_thread(fake, &(struct fake_thread){
                          .site = site_at(0x100), .state = ALIVE, .tid = getpid(), .name = "inside"});
    fake_header(fake)->pid = 7;
    const struct process_report *process = build(&(struct known_end){.alive = true, .pid = getpid()});
    ck_assert_int_eq(process->pid, getpid());
    ck_assert_str_eq(the_thread(process)->name, "inside");
    ck_assert_int_eq(the_thread(process)->state, 0);
    ck_assert_uint_eq(process->counts.untracked, 0);
}
END_TEST

/* ---- names, and many ----------------------------------------------------------------------------------- */

START_TEST(kinds_and_ends_have_names)
{
    ck_assert_str_eq(leak_kind_name(LEAK_RUNNING), "running");
    ck_assert_str_eq(leak_kind_name(LEAK_DETACHED), "detached");
    ck_assert_str_eq(leak_kind_name(LEAK_UNJOINED), "unjoined");
    ck_assert_uint_eq(leak_kind_bit(LEAK_RUNNING), KIND_RUNNING);
    ck_assert_uint_eq(leak_kind_bit(LEAK_DETACHED), KIND_DETACHED);
    ck_assert_uint_eq(leak_kind_bit(LEAK_UNJOINED), KIND_UNJOINED);
    static const char *const names[] = {"exit", "_exit", "quick_exit", "exec", "signal", "alive"};
    for (int i = END_EXIT; i <= END_ALIVE; i++)
        ck_assert_str_eq(end_how_name((enum end_how)i), names[i]);
}
END_TEST

START_TEST(many_threads_of_many_sites)
{
    enum { SITES = 1000, EACH = 16 };
    for (uint32_t s = 0; s < SITES; s++) {
        uint32_t site = site_at(0x1000 + s);
        for (int i = 0; i < EACH; i++)
            thread(site, ALIVE);
    }
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, SITES);
    ck_assert_uint_eq(report->summary.leaked_threads, SITES * EACH);
    ck_assert_uint_eq(report->summary.leak_sites, SITES);
    for (size_t i = 0; i < SITES; i++)
        ck_assert_uint_eq(process->groups[i].thread_count, EACH);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_state_tells_the_kind, 0, sizeof(states) / sizeof(*states));
    tcase_add_test(tests, the_thread_that_runs_exit_is_no_leak);
    tcase_add_test(tests, before_the_end_nobody_runs_exit);
    tcase_add_loop_test(tests, how_it_ended, 0, sizeof(ends) / sizeof(*ends));
    tcase_add_test(tests, a_group_is_a_kind_of_a_site);
    tcase_add_test(tests, records_of_one_stack_are_one_site);
    tcase_add_test(tests, only_kinds_that_were_asked_for_count);
    tcase_add_test(tests, suppressed_ones_do_not_count);
    tcase_add_test(tests, the_start_routine_is_suppressed_by_too);
    tcase_add_test(tests, frames_say_where_they_are);
    tcase_add_test(tests, no_stack_is_an_empty_one);
    tcase_add_test(tests, the_first_frame_that_is_the_users_own);
    tcase_add_test(tests, one_start_routine_or_none);
    tcase_add_test(tests, where_others_of_the_site_are_joined);
    tcase_add_test(tests, fingerprints_are_of_the_code_alone);
    tcase_add_test(tests, what_the_last_look_saw);
    tcase_add_test(tests, a_finished_thread_has_no_state);
    tcase_add_test(tests, without_an_end_ages_are_unknown);
    tcase_add_test(tests, created_after_the_end_is_no_age_below_zero);
    tcase_add_test(tests, a_name_without_its_end);
    tcase_add_test(tests, a_name_half_written_is_unknown);
    tcase_add_test(tests, who_it_was);
    tcase_add_test(tests, nothing_known_is_null);
    tcase_add_test(tests, more_arguments_than_there_are);
    tcase_add_test(tests, without_threads_it_is_only_counted);
    tcase_add_test(tests, lost_threads_are_told);
    tcase_add_test(tests, several_processes_add_up);
    tcase_add_test(tests, what_the_process_counted);
    tcase_add_test(tests, a_site_that_is_none);
    tcase_add_test(tests, untracked_at_the_end);
    tcase_add_test(tests, not_begun_at_the_end_is_not_untracked);
    tcase_add_test(tests, not_begun_among_more_than_are_listed);
    tcase_add_test(tests, nobody_looked_for_untracked_ones);
    tcase_add_test(tests, live_facts_come_from_proc);
    tcase_add_test(tests, live_untracked_are_found);
    tcase_add_test(tests, live_and_not_begun_is_told_once);
    tcase_add_test(tests, one_that_began_meanwhile_is_not_untracked);
    tcase_add_test(tests, the_thread_that_runs_exit_is_not_untracked);
    tcase_add_test(tests, what_can_not_be_looked_at_again_is_not_untracked);
    tcase_add_test(tests, in_its_exit_it_is_judged_and_looked_at);
    tcase_add_test(tests, another_pid_namespace_has_other_tids);
    tcase_add_test(tests, kinds_and_ends_have_names);
    tcase_add_test(tests, many_threads_of_many_sites);
    Suite *suite = suite_create("leak");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
