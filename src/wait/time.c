#include "wait/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const double MAX_SECONDS = 1e10; /* a larger value is not a time */

/* A timespec, or a timeval with the other unit; < 0: none. */
static double read_time(const struct view *view, uint64_t address, double per_second)
{
    int64_t parts[2];
    if (!address || !view_read(view, address, parts, sizeof(parts)) || parts[0] < 0 || parts[1] < 0 ||
        (double)parts[1] >= per_second)
        return -1;
    return (double)parts[0] + (double)parts[1] / per_second;
}

/* Since the moment of the report: symbols are read before this, which can take long. */
static double late_s(const struct waits *waits)
{
    uint64_t now = now_ns() + (uint64_t)waits->ahead_ns, moment = waits->context.moment_ns;
    return moment && now > moment ? (double)(now - moment) / 1e9 : 0;
}

static double left_until(const struct view *view, double until)
{
    struct timespec now;
    int clock = view->call.clock;
    if (!view->waits->has_proc)
        return -1;
    if (clock != CLOCK_REALTIME && clock != CLOCK_TAI &&
        (!view->waits->same_clocks || (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)))
        return -1;
    if (until < 0 || clock_gettime(clock, &now) != 0)
        return -1;
    double left = until - (double)now.tv_sec - (double)now.tv_nsec / 1e9 + late_s(view->waits);
    return left < 0 ? 0 : left;
}

/* The timeout when the call began. */
static double whole_time(const struct view *view)
{
    const struct wait_call *call = &view->call;
    if (call->time == TIME_MS)
        return (int)call->timeout / 1e3;
    /* A stop makes the kernel write the rest over the time, if the call has one address for both. */
    if (call->left == call->timeout && !view->thread->unstopped)
        return -1;
    if (call->time == TIME_RELATIVE || call->time == TIME_LEFT)
        return read_time(view, call->timeout, 1e9);
    if (call->time == TIME_LEFT_US)
        return read_time(view, call->timeout, 1e6);
    return -1;
}

/* A thread in a sleep does not run before the end. */
static double sleep_left(const struct view *view)
{
    const struct task_list *tasks = view->waits->context.tasks;
    const struct task *task = tasks ? task_list_find(tasks, view->thread->tid) : NULL;
    if (!view->call.is_sleep || !task || task->idle_s < 0 || view->whole_s < task->idle_s)
        return -1;
    return view->whole_s - task->idle_s;
}

static double time_left(const struct view *view)
{
    const struct wait_call *call = &view->call;
    if (call->time == TIME_ABSOLUTE)
        return left_until(view, read_time(view, call->timeout, 1e9));
    if (view->waits->is_halted)
        return -1;
    if (view->thread->unstopped)
        return sleep_left(view);
    if (!call->left)
        return -1;
    return read_time(view, call->left, call->time == TIME_LEFT_US ? 1e6 : 1e9);
}

static double plausible(double seconds)
{
    return seconds > MAX_SECONDS ? -1 : seconds;
}

void wait_set_timeout(struct view *view)
{
    const struct wait_call *call = &view->call;
    struct wait *wait = view->wait;
    wait->timeout = WAIT_TIMEOUT_UNKNOWN;
    if (call->time == TIME_UNKNOWN)
        return;
    bool has = call->time == TIME_MS ? (int)call->timeout >= 0 : call->time != TIME_NONE && call->timeout;
    wait->timeout = has ? WAIT_TIMEOUT_YES : WAIT_TIMEOUT_NO;
    if (!has)
        return;
    view->whole_s = plausible(whole_time(view));
    wait->left_s = plausible(time_left(view));
}

void line_add_seconds(struct line *line, double seconds)
{
    if (seconds >= 10)
        line_add(line, "%.0f s", seconds);
    else
        line_add(line, "%.3g s", seconds);
}

void wait_add_timeout(const struct view *view)
{
    const struct wait *wait = view->wait;
    enum kind_timeout shown = kind_timeout(wait->on);
    if (wait->timeout == WAIT_TIMEOUT_NO && shown == TIMEOUT_ALSO_NONE)
        line_add(view->line, ", no timeout");
    if (wait->timeout != WAIT_TIMEOUT_YES || shown == TIMEOUT_IN_TEXT)
        return;
    if (view->whole_s >= 0) {
        line_add(view->line, ", a timeout of ");
        line_add_seconds(view->line, view->whole_s);
    } else if (wait->left_s < 0)
        line_add(view->line, ", with a timeout");
}

void wait_add_left(struct line *line, const struct wait *wait)
{
    if (wait->left_s < 0)
        return;
    line_add(line, ", ");
    if (wait->left_s >= 10)
        line_add(line, "%.0f s left", wait->left_s);
    else
        line_add(line, "%.1f s left", wait->left_s);
}

bool wait_set_left(struct wait *wait, double left_s)
{
    struct line old = {.length = 0}, changed = {.length = 0};
    struct wait later = {.left_s = left_s};
    wait_add_left(&old, wait);
    const char *at = wait->text && old.length ? strstr(wait->text, old.text) : NULL;
    if (at) {
        line_add(&changed, "%.*s", (int)(at - wait->text), wait->text);
        wait_add_left(&changed, &later);
        line_add(&changed, "%s", at + old.length);
        char *text = line_copy(&changed);
        if (!text)
            return false;
        free(wait->text);
        wait->text = text;
    }
    wait->left_s = left_s;
    return true;
}
