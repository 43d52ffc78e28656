/*
 * All waits leave the event in place (WNOWAIT).  So the exit status of a child of
 * ours stays for whoever waits for it, and a signal whose delivery a thread
 * stopped for is still delivered should we be killed before it goes on: the kernel
 * forgets it as soon as a wait has taken it.
 */
#include "snapshot/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "proc/file.h"
#include "proc/stat.h"
#include "proc/tasks.h"

enum {
    MS = 1000000,
    FIRST_NAP_NS = 20000,
    LONGEST_NAP_NS = 1 * MS,
    UNINTERRUPTIBLE_NS = 10 * MS, /* granted to threads in state D */
    MAX_PASSES = 100,             /* over the list, while threads come and go */
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
    stop->tracees[stop->count++] = (struct tracee){.tid = tid, .state = TRACEE_NEW};
    return true;
}

/* A listing that loses its place when a thread ends may name others twice. */
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

/* 0: unknown. */
static char state_of(pid_t pid, pid_t tid)
{
    struct task_stat stat;
    task_stat_read(pid, tid, &stat);
    return stat.state;
}

/* ---- stopping ------------------------------------------------------------------ */

/*
 * Waits for an execve of the process, which may wait for threads of its own that
 * another tracer does not let end.  There is no time limit to give; only the end of
 * this thread gets it out of there.
 */
static int seize_or_be_cancelled(struct stop *stop, pid_t tid)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    atomic_fetch_add(&stop->seizing, 1);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    int why = ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0 ? 0 : errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_fetch_add(&stop->seizing, 1);
    return why;
}

static void seize(struct stop *stop, struct tracee *tracee)
{
    tracee->why = seize_or_be_cancelled(stop, tracee->tid);
    if (tracee->why == 0) {
        tracee->state = TRACEE_SEIZED;
        return;
    }
    bool ended = tracee->why == ESRCH || task_state_is_end(state_of(stop->pid, tracee->tid));
    tracee->state = ended ? TRACEE_ENDED : TRACEE_REFUSED;
}

void stop_seize(struct stop *stop)
{
    sort_and_unify(stop);
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == TRACEE_NEW)
            seize(stop, &stop->tracees[i]);
}

bool stop_list(struct stop *stop)
{
    bool found;
    if (!add_new(stop, &found))
        return false;
    stop_seize(stop);
    return true;
}

static void interrupt(struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++) {
        struct tracee *tracee = &stop->tracees[i];
        if (tracee->state != TRACEE_SEIZED)
            continue;
        if (!stop->began_ns)
            stop->began_ns = now_ns();
        bool told = ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) == 0;
        tracee->state = told ? TRACEE_PENDING : TRACEE_ENDED;
    }
}

/*
 * Stopped by our interrupt, by a group-stop (SIGSTOP to the process) or for the
 * delivery of a signal.  All serve: the registers are the same, and only the last
 * kind wants the signal back.
 */
static bool look(const struct stop *stop, struct tracee *tracee)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)tracee->tid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
        tracee->state = TRACEE_ENDED;
        return true;
    }
    if (info.si_pid != tracee->tid)
        return false;
    bool stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
    tracee->state = stopped ? TRACEE_STOPPED : TRACEE_ENDED;
    /* Nobody else can bury a thread, and the main thread's end waits for it. */
    if (!stopped && tracee->tid != stop->pid)
        waitid(P_PID, (id_t)tracee->tid, &info, WEXITED | WNOHANG | __WALL);
    int signal = info.si_status & 0x7f, event = info.si_status >> 8;
    tracee->signal = stopped && event == 0 ? signal : 0;
    tracee->in_group_stop = event == PTRACE_EVENT_STOP && signal != SIGTRAP;
    return true;
}

/* One that is told to stop and runnable will stop, as soon as there is a CPU for it. */
static uint64_t granted_ns(const struct stop *stop, char state)
{
    if (state == 'D' && UNINTERRUPTIBLE_NS < stop->wait_ns)
        return UNINTERRUPTIBLE_NS;
    return state == 'R' ? 10 * stop->wait_ns : stop->wait_ns;
}

/* Marks as stuck what will not stop soon. */
static void give_up(struct stop *stop, uint64_t idle_ns)
{
    for (size_t i = 0; i < stop->count; i++) {
        struct tracee *tracee = &stop->tracees[i];
        if (tracee->state != TRACEE_PENDING)
            continue;
        char state = state_of(stop->pid, tracee->tid);
        if (task_state_is_end(state))
            tracee->state = TRACEE_ENDED;
        else if (idle_ns > granted_ns(stop, state))
            tracee->state = TRACEE_STUCK;
        else
            ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL); /* execve may forget the first one */
    }
}

static size_t look_at_pending(struct stop *stop, bool *progress)
{
    size_t left = 0;
    *progress = false;
    for (size_t i = 0; i < stop->count; i++) {
        if (stop->tracees[i].state != TRACEE_PENDING)
            continue;
        if (look(stop, &stop->tracees[i]))
            *progress = true;
        else
            left++;
    }
    return left;
}

/*
 * Ten thousand threads may take long to stop; only standing still is bounded.  It
 * is the naps that count, not the clock: on a busy machine we wait for a CPU, too.
 */
static void wait_for_pending(struct stop *stop)
{
    bool progress;
    uint64_t idle = 0, pause = FIRST_NAP_NS;
    while (look_at_pending(stop, &progress)) {
        if (progress) {
            idle = 0;
            pause = FIRST_NAP_NS;
        }
        if (idle > UNINTERRUPTIBLE_NS || idle > stop->wait_ns)
            give_up(stop, idle);
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

/* Stopped threads create no others: saves listing ten thousand again. */
static bool knows_all(const struct stop *stop)
{
    size_t alive = 0;
    for (size_t i = 0; i < stop->count; i++) {
        enum tracee_state state = stop->tracees[i].state;
        if (state == TRACEE_STUCK || state == TRACEE_REFUSED)
            return false;
        alive += state == TRACEE_STOPPED;
    }
    return alive == stop_count_threads(stop->pid);
}

void stop_begin(struct stop *stop, bool others)
{
    bool found = true;
    interrupt(stop);
    wait_for_pending(stop);
    stop->complete = !others || knows_all(stop);
    for (int pass = 0; !stop->complete && pass < MAX_PASSES; pass++) {
        if (!add_new(stop, &found))
            return;
        stop_seize(stop);
        interrupt(stop);
        wait_for_pending(stop);
        stop->complete = !found || knows_all(stop);
    }
}

void stop_end(struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++) {
        struct tracee *tracee = &stop->tracees[i];
        /* One that was late may have stopped by now, and for a signal. */
        if (tracee->state == TRACEE_STUCK)
            look(stop, tracee);
        if (tracee->state == TRACEE_STOPPED)
            ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(long)tracee->signal);
    }
    stop->stopped_ns = stop->began_ns ? now_ns() - stop->began_ns : 0;
}

static bool is_end(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED;
}

/* A wait takes the stops of tracees, too, whatever it asks for: look first. */
static void bury(pid_t tid)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid == tid &&
        is_end(&info))
        waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
}

void stop_bury(pid_t pid)
{
    DIR *tasks = opendir(PROC_PATH("%d/task", pid));
    for (long tid; tasks && (tid = proc_next_number(tasks)) >= 0;)
        if (tid != pid)
            bury((pid_t)tid);
    if (tasks)
        closedir(tasks);
}

void stop_release(struct stop *stop)
{
    free(stop->tracees);
    stop->tracees = NULL;
    stop->count = 0;
}
