/* Leaks threads in this program, started again under `threadleak run`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "cli/common/cli.h"
#include "cli/selftest/selftest.h"
#include "cli/selftest/child.h"
#include "cli/selftest/report.h"

struct plant {
    const char *name, *what;
    const char *kind;
    long count, processes;
    const char *creator, *start;
};

static const struct plant plants[] = {
    {"running", "running threads", "running", SELFTEST_RUNNING, 1, "plant_running", "plant_waits"},
    {"detached", "a detached thread", "detached", 1, 1, "plant_detached", "plant_waits"},
    {"unjoined", "an unjoined thread", "unjoined", 1, 1, "plant_unjoined", "plant_ends"},
    {"child", "a child process", "running", SELFTEST_RUNNING, 2, "plant_running", "plant_waits"},
    {"exit", "an exit by a thread", "running", 1, 1, "plant_exit", "plant_waits"},
};

/* ---- a run ------------------------------------------------------------------------------- */

/* The last line, which has the error, without "threadleak: run: ". */
static const char *last_message(const struct selftest_text *err, char *line, size_t size)
{
    const char *from = err->bytes ? err->bytes : "", *end = from + strlen(from);
    while (end > from && end[-1] == '\n')
        end--;
    const char *at = end;
    while (at > from && at[-1] != '\n')
        at--;
    static const char *const heads[] = {"threadleak: ", "run: "};
    for (size_t i = 0; i < 2; i++)
        if (text_begins_with(at, heads[i]))
            at += strlen(heads[i]);
    snprintf(line, size, "%.*s", (int)(end - at), at);
    return *line ? line : "no report, and no message";
}

/* Is the report there, and the exit status right? False: a failure was printed. */
static bool check_run(struct selftest *test, const char *what, const struct selftest_child *child, int status,
                      int expected, const json_t *report)
{
    char line[1024];
    if (!report)
        selftest_fail(test, what, "not found: %s", last_message(&child->err, line, sizeof(line)));
    else if (json_object_get(report, "timed_out"))
        selftest_fail(test, what, "the planted program did not end in 20 s");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
        selftest_fail(test, what, "reported, but 'threadleak run' ended with %s %d",
                      WIFEXITED(status) ? "status" : "signal",
                      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    else
        return true;
    selftest_detail(test, child->err.bytes);
    selftest_detail(test, child->out.bytes);
    return false;
}

/* NULL: a failure was printed. */
static json_t *run_plant(struct selftest *test, const char *what, const char *name)
{
    char *argv[] = {test->exe,
                    (char[]){"run"},
                    (char[]){"--format=json"},
                    (char[]){"--timeout=20s"},
                    (char[]){"-o"},
                    (char[]){"-"},
                    (char[]){"--"},
                    test->exe,
                    (char[]){"_plant"},
                    (char *)name,
                    NULL};
    struct selftest_child child;
    if (!selftest_start(&child, argv, NULL, NULL)) {
        selftest_fail(test, what, "no process could be started: %m");
        return NULL;
    }
    int status = selftest_end(&child);
    json_t *report = selftest_parse(child.out.bytes);
    bool done = check_run(test, what, &child, status, strcmp(name, "clean") ? STATUS_LEAKS : 0, report);
    selftest_release(&child);
    if (done)
        return report;
    json_decref(report);
    return NULL;
}

/* ---- checks of its report --------------------------------------------------------------------- */

static void detail_json(const struct selftest *test, const json_t *json)
{
    char *text = test->verbose ? json_dumps(json, JSON_INDENT(1)) : NULL;
    selftest_detail(test, text);
    free(text);
}

static bool check_found(struct selftest *test, const struct plant *plant, const json_t *report)
{
    long leaked = selftest_number(report, "summary.leaked_threads");
    long processes = selftest_number(report, "summary.processes");
    const json_t *leak = selftest_find(report, plant->kind, plant->count);
    const char *start =
        json_string_value(json_object_get(json_object_get(leak, "start_routine"), "function"));
    if (processes != plant->processes)
        selftest_fail(test, plant->what, "%ld of %ld processes were watched", processes, plant->processes);
    else if (!leak || leaked != plant->count)
        selftest_fail(test, plant->what, "planted %ld, found %ld", plant->count, leaked);
    else if (!selftest_frame(json_object_get(leak, "creation_stack"), plant->creator))
        selftest_fail(test, plant->what, "found, but %s is not named as its creator", plant->creator);
    else if (!start || strcmp(start, plant->start) != 0)
        selftest_fail(test, plant->what, "found, but %s is not named as its start routine", plant->start);
    else {
        selftest_ok(test, plant->what, "found; created by %s, %s %s", plant->creator,
                    plant->count == 1 ? "runs" : "run", plant->start);
        return true;
    }
    detail_json(test, report);
    return false;
}

static void check_clean(struct selftest *test)
{
    static const char what[] = "threads that are joined";
    json_t *report = run_plant(test, what, "clean");
    if (!report)
        return;
    const json_t *process = json_array_get(json_object_get(report, "processes"), 0);
    if (selftest_number(report, "summary.leaked_threads") == 0 &&
        selftest_number(process, "threads.created") == 3 && selftest_number(process, "threads.joined") == 3) {
        selftest_ok(test, what, "seen, and not reported as leaks");
    } else {
        selftest_fail(
            test, what,
            "3 were created and joined; %ld creations and %ld joins were seen, and %ld reported as leaks",
            selftest_number(process, "threads.created"), selftest_number(process, "threads.joined"),
            selftest_number(report, "summary.leaked_threads"));
        detail_json(test, report);
    }
    json_decref(report);
}

/* ---- symbols, current stacks -------------------------------------------------------------------- */

static void check_lines(struct selftest *test, const json_t *leak)
{
    const json_t *frame = selftest_frame(json_object_get(leak, "creation_stack"), "plant_running");
    const char *file = json_string_value(json_object_get(frame, "file"));
    if (file && selftest_number(frame, "line") > 0)
        selftest_ok(test, "lines", "%s:%ld", file, selftest_number(frame, "line"));
    else
        selftest_note(
            test, "lines",
            "not checked: this threadleak has no debug information, so its functions have no lines");
}

static void check_libc(struct selftest *test, const json_t *thread)
{
    size_t i;
    json_t *frame;
    json_array_foreach(json_object_get(thread, "stack"), i, frame)
    {
        const char *function = json_string_value(json_object_get(frame, "function"));
        if (!function || !strstr(function, "pthread_cond_wait"))
            continue;
        selftest_ok(test, "names in libc", "%s", function);
        return;
    }
    selftest_note(test, "names in libc",
                  "none; install libc's debug information (libc6-dbg, glibc-debuginfo), or use --debuginfod");
}

static void check_wait(struct selftest *test, const json_t *thread)
{
    const json_t *waiting = json_object_get(thread, "waiting");
    const char *on = json_string_value(json_object_get(waiting, "on"));
    const char *text = json_string_value(json_object_get(waiting, "text"));
    if (on && !strcmp(on, "condvar"))
        selftest_ok(test, "what threads wait for", "%s", text ? text : on);
    else
        selftest_note(
            test, "what threads wait for",
            "a condition variable is reported as %s: threadleak does not know those of this C library",
            on ? on : "nothing");
}

static void check_stacks(struct selftest *test, const json_t *report, const json_t *leak)
{
    const json_t *thread = json_array_get(json_object_get(leak, "threads"), 0);
    const char *source = selftest_source(leak);
    if (!strcmp(source, "none"))
        selftest_fail(test, "stacks at the end", "%s", selftest_stacks_note(report));
    else if (!selftest_frame(json_object_get(thread, "stack"), "plant_waits"))
        selftest_fail(test, "stacks at the end", "by %s, but plant_waits is not in them", source);
    else if (strcmp(source, "ptrace") != 0)
        selftest_note(test, "stacks at the end", "%s", selftest_stacks_note(report));
    else
        selftest_ok(test, "stacks at the end", "by ptrace");
    if (strcmp(source, "none") != 0)
        check_libc(test, thread);
    if (!strcmp(source, "ptrace"))
        check_wait(test, thread);
}

void selftest_planted(struct selftest *test)
{
    if (!test->shim || !test->run_works)
        return;
    json_t *running = NULL;
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        json_t *report = run_plant(test, plants[i].what, plants[i].name);
        bool found = report && check_found(test, &plants[i], report);
        if (i == 0 && found)
            running = json_incref(report);
        json_decref(report);
    }
    check_clean(test);
    if (running) {
        const json_t *leak = selftest_find(running, "running", SELFTEST_RUNNING);
        check_lines(test, leak);
        check_stacks(test, running, leak);
    }
    json_decref(running);
}
