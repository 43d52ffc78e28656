#include "snapshot/stop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "proc/file.h"
#include "proc/tasks.h"
#include "snapshot/unstopped.h"

enum {
    FIRST_NAP_NS = 20000,
    LONGEST_NAP_NS = 1000000,
    MAX_PASSES = 1000, /* passes over the list, while threads begin and end */
};

static void nap(uint64_t ns)
{
    struct timespec time = {.tv_sec = 0, .tv_nsec = (long)ns};
    nanosleep(&time, NULL);
}

/* ---- the list --------------------------------------------------------------- */

static bool is_known(const struct stop *stop, size_t sorted, pid_t tid)
{
    return sorted && bsearch(&tid, stop->tracees, sorted, sizeof(*stop->tracees), compare_tids);
}

bool stop_add(struct stop *stop, pid_t tid)
{
    if (!ARRAY_GROW(stop->tracees, stop->count))
        return false;
    const struct task *task = stop->tasks ? task_list_find(stop->tasks, tid) : NULL;
    stop->tracees[stop->count++] =
        (struct tracee){.tid = tid, .state = TRACEE_NEW, .runs_before = task ? task->runs : 0};
    return true;
}

/* /proc/PID/task may list a thread twice when others end meanwhile. */
static void sort_and_unify(struct stop *stop)
{
    stop->count = sort_tids(stop->tracees, stop->count, sizeof(*stop->tracees));
}

/* False with errno. */
static bool add_new(struct stop *stop, bool *found)
{
    size_t sorted = stop->count;
    bool ok = true;
    DIR *tasks = opendir(PROC_PATH("%d/task", stop->pid));
    if (!tasks)
        return false;
    for (long tid; ok && (tid = proc_next_number(tasks)) >= 0;)
        ok = is_known(stop, sorted, (pid_t)tid) || stop_add(stop, (pid_t)tid);
    closedir(tasks);
    *found = stop->count > sorted;
    if (*found)
        sort_and_unify(stop);
    if (!ok)
        errno = ENOMEM;
    return ok;
}

void stop_seize(struct stop *stop)
{
    sort_and_unify(stop);
    enum unstopped_how how = stop->park     ? UNSTOPPED_NONE
                             : stop->listed ? UNSTOPPED_AT_ONCE
                                            : UNSTOPPED_PATIENTLY;
    stop->listed = true;
    unstopped_choose(stop->pid, stop->tracees, stop->count, how);
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == TRACEE_NEW)
            tracee_seize(&stop->tracees[i], stop->pid, &stop->seizing);
}

bool stop_list(struct stop *stop)
{
    bool found;
    if (!add_new(stop, &found))
        return false;
    stop_seize(stop);
    return true;
}

/* ---- stopping ------------------------------------------------------------------ */

static void interrupt(struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++) {
        if (stop->tracees[i].state != TRACEE_SEIZED)
            continue;
        if (!stop->began_ns)
            stop->began_ns = now_ns();
        if (!stop->park)
            unstopped_check(stop->pid, &stop->tracees[i]);
        if (stop->tracees[i].state == TRACEE_SEIZED)
            tracee_interrupt(&stop->tracees[i]);
    }
}

/* Returns how many are still pending. */
static size_t poll_pending(struct stop *stop, bool *progress)
{
    size_t pending = 0;
    *progress = false;
    for (size_t i = 0; i < stop->count; i++) {
        if (stop->tracees[i].state != TRACEE_PENDING)
            continue;
        if (tracee_poll(&stop->tracees[i], stop->pid))
            *progress = true;
        else
            pending++;
    }
    return pending;
}

/* New threads, which are not listed yet, included. */
static bool has_runnable(pid_t pid)
{
    struct task_list list;
    bool found = false;
    if (!process_tasks(pid, &list))
        return false;
    for (size_t i = 0; i < list.count && !found; i++)
        found = list.tasks[i].state == 'R';
    task_list_release(&list);
    return found;
}

/* Does a thread wait for a CPU, on which those in state D may wait?  Lists all threads only if there are
 * such. */
static bool some_starve(const struct stop *stop)
{
    bool uninterruptible = false;
    for (size_t i = 0; i < stop->count; i++) {
        if (stop->tracees[i].state != TRACEE_PENDING)
            continue;
        char state = tracee_task_state(&stop->tracees[i], stop->pid);
        if (state == 'R')
            return true;
        uninterruptible |= state == 'D';
    }
    return uninterruptible && has_runnable(stop->pid);
}

static void check_pending(struct stop *stop, uint64_t idle_ns)
{
    if (!tracee_may_be_stuck(idle_ns, stop->wait_ns))
        return;
    bool starve = some_starve(stop);
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == TRACEE_PENDING)
            tracee_check_pending(&stop->tracees[i], stop->pid, idle_ns, stop->wait_ns, starve);
}

/*
 * Ten thousand threads may take long to stop, so only the time without progress is bounded. It is the sum of
 * the pauses, not clock time, because on a busy machine this thread waits for a CPU, too.
 */
static void wait_for_pending(struct stop *stop)
{
    bool progress;
    uint64_t idle = 0, pause = FIRST_NAP_NS;
    while (poll_pending(stop, &progress)) {
        if (progress) {
            idle = 0;
            pause = FIRST_NAP_NS;
        }
        check_pending(stop, idle);
        nap(pause);
        idle += pause;
        pause = pause * 2 > LONGEST_NAP_NS ? LONGEST_NAP_NS : pause * 2;
    }
}

size_t stop_count_threads(pid_t pid)
{
    struct stat st;
    return stat(PROC_PATH("%d/task", pid), &st) == 0 && st.st_nlink > 2 ? st.st_nlink - 2 : 0;
}

/* Stopped threads create no others.  This saves listing ten thousand threads again. */
bool stop_knows_all(const struct stop *stop)
{
    size_t alive = 0;
    for (size_t i = 0; i < stop->count; i++) {
        enum tracee_state state = stop->tracees[i].state;
        if (state == TRACEE_STUCK || state == TRACEE_REFUSED)
            return false;
        alive += state == TRACEE_STOPPED || state == TRACEE_UNSTOPPED;
    }
    return alive == stop_count_threads(stop->pid);
}

void stop_seized(struct stop *stop)
{
    interrupt(stop);
    wait_for_pending(stop);
}

void stop_begin(struct stop *stop, bool others)
{
    bool found = true;
    stop_seized(stop);
    stop->complete = !others || stop_knows_all(stop);
    for (int pass = 0; !stop->complete && pass < MAX_PASSES; pass++) {
        if (!add_new(stop, &found))
            return;
        stop_seize(stop);
        stop_seized(stop);
        stop->complete = !found || stop_knows_all(stop);
    }
}

void stop_end(struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++)
        if (stop->park && stop->tracees[i].tid != stop->park_not)
            tracee_park(&stop->tracees[i], stop->pid, stop->park);
        else
            tracee_resume(&stop->tracees[i], stop->pid);
    stop->stopped_ns = stop->began_ns ? now_ns() - stop->began_ns : 0;
}

void stop_reap(pid_t pid)
{
    DIR *tasks = opendir(PROC_PATH("%d/task", pid));
    for (long tid; tasks && (tid = proc_next_number(tasks)) >= 0;)
        if (tid != pid)
            tracee_reap((pid_t)tid);
    if (tasks)
        closedir(tasks);
}

void stop_release(struct stop *stop)
{
    free(stop->tracees);
    stop->tracees = NULL;
    stop->count = 0;
}
