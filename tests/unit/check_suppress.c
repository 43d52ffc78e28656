/* Groups that rules split: who of one creation site is ignored, by which rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leak_made.h"
#include "suite.h"

static void setup(void)
{
    leak_setup();
    fake_argv(fake, (const char *const[]){"./app", NULL});
}

static void load(const char *text)
{
    struct error error;
    ck_assert_msg(suppressions_load_text(leak_suppressions, text, "test", &error), "%s", error.text);
}

static void add_with(struct stacks *current)
{
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    struct evidence evidence = made_evidence();
    evidence.end.known = true;
    evidence.stacks = current;
    add_evidence(&evidence);
}

static const struct process_report *build_with(struct stacks *current)
{
    add_with(current);
    report_finish(leak_report);
    return &leak_report->processes[0];
}

static void thread(uint32_t site, uint32_t state, int tid, const char *name)
{
    fake_thread(
        fake, &(struct fake_thread){.site = site, .state = state, .created_by = 1, .tid = tid, .name = name});
}

/* ---- where threads are ------------------------------------------------------------------- */

static struct stacks *current_of(size_t threads, size_t stacks)
{
    struct stacks *current = calloc(1, sizeof(*current));
    current->threads = calloc(threads, sizeof(*current->threads));
    current->shared = calloc(stacks, sizeof(*current->shared));
    current->shared_count = stacks;
    return current;
}

/* By ascending tid. */
static void is_at(struct stacks *current, int tid, size_t stack, enum wait_on on)
{
    current->threads[current->count++] = (struct thread_stack){
        .tid = tid,
        .source = STACK_SOURCE_PTRACE,
        .stack = stack < current->shared_count ? &current->shared[stack] : NULL,
        .wait = {.on = on, .text = on ? strdup(wait_on_name(on)) : NULL, .fd = -1},
    };
}

static void stack_is(struct stacks *current, size_t stack, const char *called, const char *own)
{
    const struct frame frames[] = {{.function = called, .module = "/lib/libc.so.6", .runtime = true},
                                   {.function = own, .module = "/nonexistent/app"},
                                   {.function = "start_thread", .runtime = true}};
    current->shared[stack].frames = malloc(sizeof(frames));
    memcpy(current->shared[stack].frames, frames, sizeof(frames));
    current->shared[stack].count = 3;
}

/* ---- groups -------------------------------------------------------------------------------- */

/* "running 1,3 -" or "running 2 name:x" for each, in order. */
static const char *show(const struct process_report *process)
{
    static char text[1000];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", i ? "; " : "",
                                 leak_kind_name(group->kind), group->counted ? "*" : "");
        for (size_t t = 0; t < group->thread_count; t++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%c%llu", t ? ',' : ' ',
                                     (unsigned long long)group->threads[t].id);
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %s",
                                 group->suppressed_by ? group->suppressed_by : "-");
        ck_assert_ptr_eq(group->suppressed_by, group->rule ? group->rule->label : NULL);
    }
    return text;
}

START_TEST(no_rules_split_nothing)
{
    for (int i = 0; i < 3; i++)
        thread(site_at(0x100), ALIVE, 10 + i, i ? "io" : "net");
    ck_assert_str_eq(show(build_with(NULL)), "running* 2,3,4 -");
    ck_assert_uint_eq(leak_report->used_rule_count, 0);
}
END_TEST

START_TEST(a_site_is_split_by_name)
{
    uint32_t one = site_at(0x100), other = site_at(0x200);
    thread(one, ALIVE, 10, "io 1");
    thread(one, ALIVE, 11, "net");
    thread(other, ALIVE, 12, "io 2");
    thread(one, ENDED, 13, "io 3");
    thread(one, ALIVE, 14, "io 4");
    thread(one, ALIVE, 15, "disk");
    load("name:^io\nname:^disk$\n");
    const struct process_report *process = build_with(NULL);
    ck_assert_str_eq(show(process), "running* 3 -; running 2,6 name:^io; running 4 name:^io; running 7 "
                                    "name:^disk$; unjoined 5 name:^io");
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 1);
    ck_assert_uint_eq(leak_report->summary.suppressed_threads, 5);
    ck_assert_uint_eq(leak_report->used_rule_count, 2);
    ck_assert_str_eq(leak_report->used_rules[0].rule->text, "name:^io");
    ck_assert_uint_eq(leak_report->used_rules[0].threads, 4);
    ck_assert_uint_eq(leak_report->used_rules[1].threads, 1);
    /* they are all of one site, which is reported once */
    ck_assert(process->groups[0].first_of_site && !process->groups[1].first_of_site);
    ck_assert_uint_eq(process->groups[0].site, process->groups[1].site);
    ck_assert_str_eq(process->groups[0].fingerprint, process->groups[1].fingerprint);
}
END_TEST

START_TEST(a_site_is_split_by_where_threads_are)
{
    struct stacks *current = current_of(5, 2);
    uint32_t site = site_at(0x100);
    for (int i = 0; i < 5; i++)
        thread(site, i < 4 ? ALIVE : ENDED, 10 + i, NULL);
    stack_is(current, 0, "pthread_cond_wait", "wait_for_job");
    stack_is(current, 1, "read", "wait_for_job");
    is_at(current, 10, 0, WAIT_CONDVAR);
    is_at(current, 11, 1, WAIT_PIPE);
    is_at(current, 12, 2, WAIT_NONE); /* its stack was not to be had */
    is_at(current, 13, 0, WAIT_MUTEX);
    is_at(current, 14, 0, WAIT_CONDVAR); /* somebody has the tid of one that ended */
    load("top:^pthread_cond_wait$ waiting:condvar\ntop:wait_for_job waiting:pipe,socket\n");
    ck_assert_str_eq(show(build_with(current)),
                     "running* 4,5 -; unjoined* 6 -; running 2 top:^pthread_cond_wait$ waiting:condvar; "
                     "running 3 top:wait_for_job waiting:pipe,socket");
}
END_TEST

START_TEST(a_site_is_split_by_kind_anyway)
{
    uint32_t site = site_at(0x100);
    for (int i = 0; i < 4; i++)
        thread(site, i % 2 ? ALIVE : ENDED, 10 + i, "io");
    load("name:^io$ kind:unjoined\n");
    ck_assert_str_eq(show(build_with(NULL)), "running* 3,5 -; unjoined 2,4 name:^io$ kind:unjoined");
}
END_TEST

START_TEST(a_process_is_known_as_it_was_called)
{
    fake_argv(fake, (const char *const[]){"/usr/bin/python3", NULL});
    thread(site_at(0x100), ALIVE, 10, "io");
    load("thread:* process:^python3$\n");
    ck_assert_str_eq(show(build_with(NULL)), "running 2 thread:* process:^python3$");
}
END_TEST

START_TEST(start_routines_of_one_site_differ)
{
    uint32_t site = site_at(0x100);
    for (int i = 0; i < 4; i++)
        fake_thread(fake, &(struct fake_thread){.site = site,
                                                .state = ALIVE,
                                                .tid = 10 + i,
                                                .start_pc = i % 2 ? fake_pc(lib, 0x10) : fake_pc(app, 0x20)});
    load("start:^libpool.so+0x10$\n");
    ck_assert_str_eq(show(build_with(NULL)), "running* 2,4 -; running 3,5 start:^libpool.so+0x10$");
    ck_assert_ptr_nonnull(leak_report->processes[0].groups[0].start_routine);
}
END_TEST

START_TEST(rules_of_the_program_count_too)
{
    thread(site_at(0x100), ALIVE, 10, "io 1");
    thread(site_at(0x100), ALIVE, 11, "net");
    thread(site_at(0x200), ALIVE, 12, "disk");
    load("name:^disk$\n");
    atomic_store(&fake_header(fake)->rules, fake_string(fake, "# mine\nname:^io\nname:disk\n"));
    ck_assert_str_eq(show(build_with(NULL)), "running* 3 -; running 2 name:^io; running 4 name:^disk$");
    ck_assert_ptr_null(leak_report->processes[0].program_rules_error);
    ck_assert_str_eq(leak_report->used_rules[0].rule->origin, "rules of ./app");
    ck_assert_uint_eq(leak_report->used_rules[0].rule->line, 2);
    ck_assert_int_eq(leak_report->used_rules[0].rule->source, SUPPRESSION_PROGRAM);
}
END_TEST

START_TEST(wrong_rules_of_the_program_ignore_nothing)
{
    thread(site_at(0x100), ALIVE, 10, "io 1");
    atomic_store(&fake_header(fake)->rules, fake_string(fake, "name:^io\nname:*\n"));
    rules.suppressions = NULL;
    ck_assert_str_eq(show(build_with(NULL)), "running* 2 -");
    ck_assert_str_eq(leak_report->processes[0].program_rules_error,
                     "rules of ./app:2:1: would match every thread; allow that with --allow-match-all");
}
END_TEST

START_TEST(what_the_user_allows_the_program_may)
{
    thread(site_at(0x100), ALIVE, 10, "io 1");
    atomic_store(&fake_header(fake)->rules, fake_string(fake, "name:*\n"));
    suppressions_allow_match_all(leak_suppressions, true);
    ck_assert_str_eq(show(build_with(NULL)), "running 2 name:*");
}
END_TEST

START_TEST(rules_of_two_processes_are_listed_once)
{
    thread(site_at(0x100), ALIVE, 10, "io 1");
    atomic_store(&fake_header(fake)->rules, fake_string(fake, "name:^io\n"));
    add_with(NULL);
    build_with(NULL);
    ck_assert_uint_eq(leak_report->process_count, 2);
    ck_assert_uint_eq(leak_report->used_rule_count, 1);
    ck_assert_uint_eq(leak_report->used_rules[0].threads, 2);
}
END_TEST

START_TEST(a_rule_counts_the_findings_of_all_processes)
{
    static const struct suppression_rule rule = {
        .text = "finding:stuck", .label = "finding:stuck", .origin = "test", .line = 1};
    static struct finding stuck[3];
    static struct process_report processes[2];
    struct report report = {.processes = processes, .process_count = 2};
    for (size_t i = 0; i < 3; i++)
        stuck[i] = (struct finding){.code = FINDING_STUCK, .rule = i == 1 ? NULL : &rule};
    processes[0].findings = (struct findings){.items = stuck, .count = 2};
    processes[1].findings = (struct findings){.items = &stuck[2], .count = 1};
    report_finish(&report);
    ck_assert_uint_eq(report.used_rule_count, 1);
    ck_assert_uint_eq(report.used_rules[0].findings, 2);
    ck_assert_uint_eq(report.used_rules[0].threads, 0);
    free(report.used_rules);
}
END_TEST

/* ---- many ----------------------------------------------------------------------------------- */

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* More stacks times rules than are remembered at a time. */
START_TEST(what_is_remembered_of_stacks_is_true)
{
    enum { STACKS = 8000 };
    const int rule_count = _i ? 200 : 0;
    static char names[STACKS][16];
    struct stacks *current = current_of(STACKS, STACKS);
    uint32_t site = site_at(0x100);
    char rule[40];
    for (int i = 0; i < STACKS; i++) {
        snprintf(names[i], sizeof(names[i]), "own_%d", i);
        stack_is(current, (size_t)i, "pause", names[i]);
    }
    for (int i = 0; i < STACKS; i++) {
        thread(site, ALIVE, 10 + i, NULL);
        is_at(current, 10 + i, (size_t)i, WAIT_SIGNAL);
    }
    for (int i = 0; i < rule_count; i++) {
        snprintf(rule, sizeof(rule), "any:^own_%d$", i * (STACKS / 200));
        load(rule);
    }
    if (!rule_count)
        load("any:7$");
    build_with(current);
    if (!rule_count) {
        ck_assert_uint_eq(leak_report->summary.suppressed_threads, STACKS / 10);
        return;
    }
    ck_assert_uint_eq(leak_report->summary.suppressed_threads, (unsigned)rule_count);
    ck_assert_uint_eq(leak_report->used_rule_count, (unsigned)rule_count);
    for (int i = 0; i < rule_count; i++)
        ck_assert_uint_eq(leak_report->used_rules[i].threads, 1);
}
END_TEST

enum { THREADS = 10000, SITES = 16, RULES = 300 };

static void make_threads(void)
{
    uint32_t sites[SITES];
    char name[16];
    for (int i = 0; i < SITES; i++)
        sites[i] = site_at(0x100 + 16 * (unsigned)i);
    for (int i = 0; i < THREADS; i++) {
        snprintf(name, sizeof(name), "io %d", i);
        fake_thread(fake, &(struct fake_thread){.site = sites[i % SITES],
                                                .state = ALIVE,
                                                .tid = 10 + i,
                                                .name = name,
                                                .start_pc = fake_pc(i % 3 ? app : lib, 0x10)});
    }
}

static void deep_stack_is(struct stacks *current, size_t stack, const char *function)
{
    enum { DEPTH = 60 };
    struct frame *frames = calloc(DEPTH, sizeof(*frames));
    for (size_t i = 0; i < DEPTH; i++)
        frames[i] = (struct frame){.function = function, .module = "/nonexistent/app"};
    current->shared[stack] = (struct shared_stack){.frames = frames, .count = DEPTH};
}

/* CPU time of a report of threads that wait at a few places. */
static double report_s(void)
{
    enum { STACKS = 200 };
    struct stacks *current = current_of(THREADS, STACKS);
    for (size_t i = 0; i < STACKS; i++)
        deep_stack_is(current, i, "wait_for_job");
    for (int i = 0; i < THREADS; i++)
        is_at(current, 10 + i, (size_t)i % STACKS, WAIT_CONDVAR);
    double before = cpu_s();
    build_with(current);
    return cpu_s() - before;
}

/* Rules are matched once for each stack, not for each thread: that would take 350 times as long as one rule,
 * and not 25. */
START_TEST(ten_thousand_threads_and_many_rules_are_no_burden)
{
    char rule[100];
    make_threads();
    load("name:7$ top:^wait_for_job$");
    double one_rule = report_s();
    for (int i = 0; i < RULES; i++) {
        snprintf(rule, sizeof(rule), i % 2 ? "any:*never%d*called* waiting:condvar" : "thread:*never*%d", i);
        load(rule);
    }
    double many_rules = report_s();
    ck_assert_uint_eq(leak_report->processes[1].counts.alive, THREADS);
    ck_assert_msg(many_rules < 80 * one_rule, "%f s, %f s with one rule", many_rules, one_rule);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("suppress");
    tcase_add_checked_fixture(tests, setup, leak_teardown);
    tcase_add_test(tests, no_rules_split_nothing);
    tcase_add_test(tests, a_site_is_split_by_name);
    tcase_add_test(tests, a_site_is_split_by_where_threads_are);
    tcase_add_test(tests, a_process_is_known_as_it_was_called);
    tcase_add_test(tests, start_routines_of_one_site_differ);
    tcase_add_test(tests, rules_of_the_program_count_too);
    tcase_add_test(tests, wrong_rules_of_the_program_ignore_nothing);
    tcase_add_test(tests, what_the_user_allows_the_program_may);
    tcase_add_test(tests, a_site_is_split_by_kind_anyway);
    tcase_add_test(tests, rules_of_two_processes_are_listed_once);
    tcase_add_test(tests, a_rule_counts_the_findings_of_all_processes);
    tcase_add_loop_test(tests, what_is_remembered_of_stacks_is_true, 0, 2);
    tcase_add_test(tests, ten_thousand_threads_and_many_rules_are_no_burden);
    return suite_run("suppress", tests);
}
