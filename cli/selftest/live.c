/* Checks a live process that has only LD_PRELOAD: from outside, and at its end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/selftest/selftest.h"
#include "cli/selftest/child.h"
#include "cli/selftest/report.h"

/* The output of the program from this offset on. */
static const char *text_from(const struct selftest_child *child, size_t from)
{
    return child->err.size > from ? child->err.bytes + from : "";
}

static void check_dump(struct selftest *test, struct selftest_child *child)
{
    kill(child->pid, SIGUSR1);
    if (!selftest_await(child, &child->err, "peak "))
        selftest_fail(test, "dump signal", "no report; use threadleak report PID");
    else if (!strstr(child->err.bytes, "plant_running"))
        selftest_fail(test, "dump signal", "reported, but without the names of the planted functions");
    else
        selftest_ok(test, "dump signal", "reported, with names");
    selftest_detail(test, child->err.bytes);
}

static void judge_report(struct selftest *test, const json_t *report)
{
    const json_t *leak = selftest_find(report, "running", SELFTEST_RUNNING);
    const char *source = selftest_source(leak), *note = selftest_stacks_note(report);
    if (!leak)
        selftest_fail(test, "report PID", "the planted threads are missing");
    else if (!strcmp(source, "none"))
        selftest_fail(test, "report PID", "no stacks: %s", note);
    else if (!strcmp(source, "ptrace"))
        selftest_ok(test, "report PID", "reported, with stacks");
    else
        selftest_note(test, "report PID", "%s", note);
}

static void check_report(struct selftest *test, const struct selftest_child *live)
{
    char pid[24];
    char *argv[] = {test->exe, (char[]){"report"}, (char[]){"--format=json"}, pid, NULL};
    struct selftest_child child;
    snprintf(pid, sizeof(pid), "%d", (int)live->pid);
    if (!selftest_start(&child, argv, NULL, NULL)) {
        selftest_fail(test, "report PID", "no process could be started: %s", strerror(errno));
        return;
    }
    selftest_end(&child);
    json_t *report = selftest_parse(child.out.bytes);
    if (report)
        judge_report(test, report);
    else
        selftest_fail(test, "report PID", "%s", child.err.bytes ? child.err.bytes : "no report came");
    selftest_detail(test, report ? NULL : child.err.bytes);
    json_decref(report);
    selftest_release(&child);
}

static void check_end(struct selftest *test, struct selftest_child *child)
{
    size_t before = child->err.size;
    selftest_end(child);
    const char *text = text_from(child, before);
    if (!strstr(text, "leaked thread"))
        selftest_fail(test, "LD_PRELOAD alone", "no report at the end of the planted program");
    else if (!strstr(text, "plant_running"))
        selftest_fail(test, "LD_PRELOAD alone", "reported at the end, but without names");
    else
        selftest_ok(test, "LD_PRELOAD alone", "found and named at the end");
    selftest_detail(test, text);
}

void selftest_live(struct selftest *test)
{
    char *argv[] = {test->exe, (char[]){"_plant"}, (char[]){"live"}, NULL};
    struct selftest_child child;
    if (!test->shim)
        return;
    if (!selftest_start(&child, argv, test->shim, "signal=USR1")) {
        selftest_fail(test, "LD_PRELOAD alone", "no process could be started: %s", strerror(errno));
        return;
    }
    if (selftest_await(&child, &child.out, "ready\n")) {
        check_dump(test, &child);
        check_report(test, &child);
        check_end(test, &child);
    } else {
        selftest_end(&child);
        selftest_fail(test, "LD_PRELOAD alone", "the planted program did not start");
        selftest_detail(test, child.err.bytes);
    }
    selftest_release(&child);
}
