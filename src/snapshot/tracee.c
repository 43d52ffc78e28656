/*
 * Every waitid keeps the event pending (WNOWAIT), for two reasons. The exit status of a child of this program
 * stays available to the code that waits for it. If this program is killed before it resumes a thread, the
 * kernel still delivers the signal that stopped the thread: it drops the signal only after a wait without
 * WNOWAIT.
 */
#include "snapshot/tracee.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "proc/status.h"
#include "snapshot/regs.h"

enum { UNINTERRUPTIBLE_NS = 10000000 /* time for threads in state D */ };

static char state_of(pid_t pid, pid_t tid)
{
    struct task_stat stat;
    task_stat_read(pid, tid, &stat);
    return stat.state;
}

/*
 * PTRACE_SEIZE blocks while a thread of the process is in execve. The execve may wait for threads whose end
 * another tracer delays. There is no time limit: only the end of the calling thread ends the call.
 */
static int seize_or_be_cancelled(pid_t tid, atomic_uint *seizing)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    atomic_fetch_add(seizing, 1);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    int why = ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0 ? 0 : errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_fetch_add(seizing, 1);
    return why;
}

void tracee_seize(struct tracee *tracee, pid_t pid, atomic_uint *seizing)
{
    tracee->why = tracee->attached ? 0 : seize_or_be_cancelled(tracee->tid, seizing);
    if (tracee->why == 0) {
        tracee->attached = true;
        tracee->state = TRACEE_SEIZED;
        return;
    }
    bool ended = tracee->why == ESRCH || task_state_is_end(state_of(pid, tracee->tid));
    tracee->state = ended ? TRACEE_ENDED : TRACEE_REFUSED;
}

void tracee_interrupt(struct tracee *tracee)
{
    bool done = ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) == 0;
    tracee->state = done ? TRACEE_PENDING : TRACEE_ENDED;
}

/*
 * A thread stops because of our interrupt, a group-stop (SIGSTOP to the process), or a signal that is about
 * to be delivered. Its registers are the same in all three cases. Only the last one needs the signal when the
 * thread is resumed.
 */
bool tracee_poll(struct tracee *tracee, pid_t pid)
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
    /* Only the tracer can reap a thread, and the end of the main thread waits for that. */
    if (!stopped && tracee->tid != pid)
        waitid(P_PID, (id_t)tracee->tid, &info, WEXITED | WNOHANG | __WALL);
    int signal = info.si_status & 0x7f, event = info.si_status >> 8;
    tracee->signal = stopped && event == 0 ? signal : 0;
    tracee->in_group_stop = event == PTRACE_EVENT_STOP && signal != SIGTRAP;
    return true;
}

char tracee_task_state(const struct tracee *tracee, pid_t pid)
{
    return state_of(pid, tracee->tid);
}

/* A runnable thread stops as soon as it gets a CPU. A thread in state D may wait for a runnable one, which
 * may hold the lock of the address space. */
static uint64_t allowed_ns(char state, uint64_t wait_ns, bool some_starve)
{
    if (state == 'R' || (state == 'D' && some_starve))
        return 10 * wait_ns;
    return state == 'D' && UNINTERRUPTIBLE_NS < wait_ns ? UNINTERRUPTIBLE_NS : wait_ns;
}

bool tracee_may_be_stuck(uint64_t idle_ns, uint64_t wait_ns)
{
    return idle_ns > UNINTERRUPTIBLE_NS || idle_ns > wait_ns;
}

void tracee_check_pending(struct tracee *tracee, pid_t pid, uint64_t idle_ns, uint64_t wait_ns,
                          bool some_starve)
{
    char state = state_of(pid, tracee->tid);
    if (task_state_is_end(state))
        tracee->state = TRACEE_ENDED;
    else if (idle_ns > allowed_ns(state, wait_ns, some_starve))
        tracee->state = TRACEE_STUCK;
    else
        ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL); /* execve may drop the first one */
}

/* A late thread may have stopped meanwhile because of a signal. */
static void poll_late(struct tracee *tracee, pid_t pid)
{
    if (tracee->state == TRACEE_STUCK)
        tracee_poll(tracee, pid);
}

void tracee_park(struct tracee *tracee, pid_t pid, uint64_t address)
{
    uint64_t all = ~0ull;
    poll_late(tracee, pid);
    if (tracee->state == TRACEE_STOPPED && snapshot_set_pc(tracee->tid, address)) {
        ptrace(PTRACE_SETSIGMASK, tracee->tid, (void *)sizeof(all), &all);
        tracee->signal = 0;
    }
    tracee_resume(tracee, pid);
}

void tracee_resume(struct tracee *tracee, pid_t pid)
{
    poll_late(tracee, pid);
    if (tracee->state == TRACEE_STOPPED)
        ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(long)tracee->signal);
}

static bool is_end(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED;
}

/* A wait also consumes the stops of tracees, even without WSTOPPED. So the first wait consumes nothing. */
void tracee_reap(pid_t tid)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid == tid &&
        is_end(&info))
        waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
}
