#include "snapshot/unstopped.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "base/parallel.h"
#include "proc/status.h"
#include "snapshot/call.h"
#include "snapshot/regs.h"

enum {
    FIRST_PAUSE_NS = 50000,
    LONGEST_PAUSE_NS = 1000000,
    /* Sums of the pauses. Then a thread that goes from call to call is left running, */
    SHORT_PATIENCE_NS = 10000000,
    PATIENCE_NS = 300000000, /* and one that has waited for a CPU is stopped. */
    MAX_READ_AGAIN = 256,    /* running threads */
    MIN_PART = 500,          /* threads that are worth a thread of our own: 10 us each */
};

static bool read_memory(pid_t tid, uint64_t address, void *to, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* A call that the kernel has started again has its number only in the code. */
static void resolve(pid_t tid, struct task_call *call)
{
#ifdef SYS_restart_syscall
    unsigned char code[7];
    long nr;
    if (call->nr == SYS_restart_syscall && read_memory(tid, call->pc - sizeof(code), code, sizeof(code)) &&
        (nr = regs_call_in_code(code)) >= 0)
        call->nr = nr;
#else
    (void)tid;
    (void)call;
#endif
}

/* Workers of io_uring are threads of the process that never run its code. */
static bool call_is_of_kernel(const struct task_call *call)
{
    return call->state == TASK_CALL_BLOCKED && !call->pc && !call->sp;
}

/* One that slept a moment ago may be in a call that it has just begun. */
static bool running_can_be_stopped(pid_t pid, struct tracee *tracee, enum unstopped_how how)
{
    awake_check(&tracee->awake, pid, tracee->tid);
    return how == UNSTOPPED_PATIENTLY || tracee->awake.state != AWAKE_SHORT;
}

static bool is_undecided(const struct tracee *tracee)
{
    return tracee->state == TRACEE_NEW && tracee->call.state == TASK_CALL_RUNNING &&
           tracee->awake.state != AWAKE_LONG;
}

static void choose(pid_t pid, struct tracee *tracee, enum unstopped_how how)
{
    struct task_call call;
    /* First, so that a thread that leaves its call after it was read has run once more. */
    uint64_t runs = tracee->runs_before ? tracee->runs_before : task_runs_read(pid, tracee->tid);
    tracee->runs_before = 0;
    task_call_read(pid, tracee->tid, &call);
    tracee->call = call;
    resolve(tracee->tid, &call);
    tracee->call_nr = call.nr;
    /* A kernel thread cannot be traced; that is reported. */
    if (how == UNSTOPPED_NONE || (call_is_of_kernel(&call) && tracee->tid == pid))
        return;
    if (call.state == TASK_CALL_RUNNING ? running_can_be_stopped(pid, tracee, how)
                                        : call_can_be_stopped(&call))
        return;
    tracee->awake = (struct awake){.has_slept = true};
    tracee->call.runs = runs;
    tracee->state = TRACEE_UNSTOPPED;
}

void unstopped_choose_one(pid_t pid, struct tracee *tracee)
{
    struct task_stat stat;
    tracee->state = TRACEE_NEW;
    choose(pid, tracee, UNSTOPPED_AT_ONCE);
    if (tracee->call.state == TASK_CALL_UNKNOWN &&
        (!task_stat_read(pid, tracee->tid, &stat) || task_state_is_end(stat.state)))
        tracee->state = TRACEE_ENDED;
}

/* A process that SIGSTOP has stopped is in no call: a stop changes nothing. */
static bool is_halted(pid_t pid)
{
    struct task_stat stat;
    return task_stat_read(pid, 0, &stat) && stat.state == 'T';
}

struct tracees {
    pid_t pid;
    struct tracee *items;
    size_t count;
    enum unstopped_how how;
    bool again; /* only those that were found running */
};

static bool is_to_be_read(const struct tracees *all, const struct tracee *tracee)
{
    return tracee->state == TRACEE_NEW && (!all->again || tracee->call.state == TASK_CALL_RUNNING);
}

static void choose_part(void *arg, size_t first, size_t end)
{
    const struct tracees *all = arg;
    for (size_t i = first; i < end; i++)
        if (is_to_be_read(all, &all->items[i]))
            choose(all->pid, &all->items[i], all->how);
}

/* Returns for how many that does not suffice. */
static size_t choose_all(struct tracees *all)
{
    size_t undecided = 0;
    parallel_run(all->count, MIN_PART, choose_part, all);
    for (size_t i = 0; i < all->count; i++)
        undecided += is_undecided(&all->items[i]);
    return undecided;
}

void unstopped_choose(pid_t pid, struct tracee *tracees, size_t count, enum unstopped_how how)
{
    struct tracees all = {.pid = pid, .items = tracees, .count = count, .how = how};
    if (is_halted(pid))
        return;
    size_t undecided = choose_all(&all);
    if (how != UNSTOPPED_PATIENTLY || undecided > MAX_READ_AGAIN)
        return;
    long pause = FIRST_PAUSE_NS;
    all.again = true;
    for (long total = 0; undecided && total < PATIENCE_NS; total += pause) {
        nanosleep(&(struct timespec){0, pause}, NULL);
        all.how = total < SHORT_PATIENCE_NS ? how : UNSTOPPED_AT_ONCE;
        undecided = choose_all(&all);
        pause = 2 * pause < LONGEST_PAUSE_NS ? 2 * pause : LONGEST_PAUSE_NS;
    }
}

void unstopped_check(pid_t pid, struct tracee *tracee)
{
    if (tracee->call.state == TASK_CALL_RUNNING && tracee->awake.since_ns)
        choose(pid, tracee, UNSTOPPED_AT_ONCE);
}

void unstopped_set_regs(const struct tracee *tracee, struct snapshot_thread *thread)
{
    *thread = (struct snapshot_thread){.tid = tracee->tid, .state = SNAPSHOT_STOPPED, .unstopped = true};
    if (tracee->call.state != TASK_CALL_BLOCKED) {
        thread->state = SNAPSHOT_UNSTEADY;
        return;
    }
    thread->runs = tracee->call.runs;
    thread->later = thread->runs == 0;
    thread->pc = tracee->call.pc;
    thread->sp = tracee->call.sp;
    thread->syscall_nr = tracee->call_nr;
    memcpy(thread->syscall_args, tracee->call.args, sizeof(thread->syscall_args));
    regs_of_call(thread);
    /* A 32-bit program: its calls have other numbers. */
    if (!(thread->pc >> 32) && !(thread->sp >> 32))
        thread->state = SNAPSHOT_FOREIGN;
    if (!thread->pc && !thread->sp)
        thread->state = SNAPSHOT_KERNEL;
}

void unstopped_set_call(const struct tracee *tracee, struct snapshot_thread *thread)
{
    const struct task_call *call = &tracee->call;
    if (thread->state != SNAPSHOT_STOPPED || thread->syscall_nr >= 0 || call->state != TASK_CALL_BLOCKED ||
        call->pc != thread->pc || call->sp != thread->sp)
        return;
    thread->syscall_nr = tracee->call_nr;
    memcpy(thread->syscall_args, call->args, sizeof(thread->syscall_args));
}

bool unstopped_is_steady(pid_t pid, const struct tracee *tracee)
{
    struct task_call now = {.runs = task_runs_read(pid, tracee->tid)};
    if (tracee->call.state != TASK_CALL_BLOCKED)
        return false;
    if (now.runs)
        return now.runs == tracee->call.runs;
    task_call_read(pid, tracee->tid, &now);
    return task_call_is_same(&tracee->call, &now);
}

static void set_moved(void *arg, size_t first, size_t end)
{
    const struct tracees *all = arg;
    for (size_t i = first; i < end; i++) {
        struct tracee *tracee = &all->items[i];
        tracee->moved = tracee->state == TRACEE_UNSTOPPED && !unstopped_is_steady(all->pid, tracee);
    }
}

void unstopped_set_moved(pid_t pid, struct tracee *tracees, size_t count)
{
    struct tracees all = {.pid = pid, .items = tracees, .count = count};
    parallel_run(count, MIN_PART, set_moved, &all);
}
