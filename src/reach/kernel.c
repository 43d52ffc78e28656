/* What the kernel keeps for the process and gives back later: values of timers and of pending signals,
 * messages. */
#include "reach/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parallel.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"
#include "reach/caveat.h"

enum {
    MAX_TEXT = 8 << 20,
    MAX_PENDING = 64, /* signals that are read with one call */
    MAX_SIGNALS = 1 << 16,
    MAX_MESSAGE = 1 << 16,
    MIN_PART = 2000, /* threads that are worth a thread of our own: 1 us each */
};
#define ANY_SIGNAL UINT64_C(1) /* not known which */

/* "ID: 0\nsignal: 10/00007f0000000000\nnotify: …" */
static void read_timers(struct reach_collector *collector, pid_t task)
{
    size_t length;
    int fd = open(PROC_PATH("%d/timers", task), O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? read_all(fd, MAX_TEXT, &length) : NULL;
    if (text)
        reach_kernel_add_values(collector, text, "signal: ", '/');
    else
        reach_kernel_unknown(collector);
    free(text);
    if (fd >= 0)
        close(fd);
}

/* ---- pending signals: ptrace(2), PTRACE_PEEKSIGINFO ---- */

static bool peek_signals(struct reach_collector *collector, pid_t tid, uint32_t flags)
{
    siginfo_t infos[MAX_PENDING];
    for (uint64_t at = 0; at < MAX_SIGNALS; at += MAX_PENDING) {
        struct __ptrace_peeksiginfo_args args = {.off = at, .flags = flags, .nr = MAX_PENDING};
        long count = ptrace(PTRACE_PEEKSIGINFO, tid, &args, infos);
        if (count < 0)
            return false;
        reach_kernel_add(collector, infos, (size_t)count * sizeof(*infos));
        if (count < MAX_PENDING)
            return true;
    }
    return false;
}

static void read_current_signal(struct reach_collector *collector, pid_t tid)
{
    siginfo_t info;
    if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0)
        reach_kernel_add(collector, &info, sizeof(info));
}

/* Signals of threads that were not stopped cannot be read, only which there are. */
static uint64_t pending(pid_t pid, pid_t tid, const char *key)
{
    char text[8192];
    if (proc_read(PROC_PATH("%d/task/%d/status", pid, tid), text, sizeof(text)) <= 0)
        return ANY_SIGNAL;
    const char *found = strstr(text, key);
    return found ? strtoull(found + strlen(key), NULL, 16) : ANY_SIGNAL;
}

uint64_t reach_kernel_signals(pid_t pid, pid_t tid)
{
    return pending(pid, tid, "\nSigPnd:");
}

/* "SigQ: 0/95000": signals that are queued for the user, and those that timers keep ready. */
static bool has_queued(pid_t task)
{
    char text[8192];
    if (proc_read(PROC_PATH("%d/status", task), text, sizeof(text)) <= 0)
        return true;
    const char *found = strstr(text, "\nSigQ:");
    return !found || strtoull(found + strlen("\nSigQ:"), NULL, 10) != 0;
}

static void read_signals(struct reach_collector *collector, const struct snapshot *snapshot)
{
    bool shared = false, queued = collector->signals_queued = has_queued(snapshot->task);
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        /* Of those that were not stopped: reach_confirm */
        if (thread->state != SNAPSHOT_STOPPED || thread->unstopped)
            continue;
        read_current_signal(collector, thread->tid);
        if (queued && !peek_signals(collector, thread->tid, 0))
            reach_kernel_unknown(collector);
        shared = shared || peek_signals(collector, thread->tid, PTRACE_PEEKSIGINFO_SHARED);
    }
    uint64_t unread = queued && !shared ? pending(snapshot->pid, snapshot->task, "\nShdPnd:") : 0;
    if (unread)
        reach_kernel_unknown(collector);
    if (unread & REACH_SIGNALS_WITH_VALUES)
        reach_refuse(collector, REACH_UNREAD_SIGNALS);
}

/* ---- System V queues: msgop(2), MSG_COPY; sysvipc(7) ---- */

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static bool copy_messages(struct reach_collector *collector, int id, unsigned long count)
{
    struct {
        long type;
        char text[MAX_MESSAGE];
    } *message = malloc(sizeof(*message));
    bool done = message != NULL;
    for (unsigned long i = 0; done && i < count; i++) {
        ssize_t size = msgrcv(id, message, sizeof(message->text), (long)i, MSG_COPY | IPC_NOWAIT);
        done = size >= 0 && reach_kernel_take(collector, (size_t)size);
        if (done)
            reach_kernel_add(collector, message, sizeof(message->type) + (size_t)size);
    }
    free(message);
    return done;
}

/* Of all processes, since the kernel remembers only who sent or received last. */
static void read_queue(struct reach_collector *collector, const char *line)
{
    int id;
    unsigned long count;
    if (sscanf(line, "%*d %d %*o %*u %lu", &id, &count) != 2 || !count)
        return;
    if (!copy_messages(collector, id, count))
        reach_kernel_unread(collector);
}

static void read_queues(struct reach_collector *collector)
{
    size_t length;
    if (!collector->image.uses_messages)
        return;
    int fd = open("/proc/sysvipc/msg", O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? read_all(fd, MAX_TEXT, &length) : NULL;
    if (!text || !process_shares_namespace(collector->pid, "ipc") ||
        !process_shares_namespace(collector->pid, "pid"))
        reach_kernel_unread(collector);
    for (const char *line = text; line && (line = strchr(line, '\n'));)
        read_queue(collector, ++line);
    free(text);
    if (fd >= 0)
        close(fd);
}

/* ---- who else has the same memory, and who has other descriptors: kcmp(2) ---- */

enum { SAME_VM = 1, SAME_FILES = 2 }; /* KCMP_VM, KCMP_FILES */

/* 0: they have the same; below 0: not known. */
static long compare_tasks(pid_t a, pid_t b, int what)
{
    return syscall(SYS_kcmp, a, b, what, 0, 0);
}

/* Another process with the same memory (clone(2), CLONE_VM) can wake threads. At the end of a process the
 * shim itself has started one, which waits for this program. */
static void find_sharers(struct reach_collector *collector)
{
    DIR *directory = opendir("/proc");
    for (long pid; directory && (pid = proc_next_number(directory)) >= 0;)
        if (pid != collector->pid && !(collector->ending && pid == getppid()) &&
            compare_tasks(collector->pid, (pid_t)pid, SAME_VM) == 0)
            collector->image.caveats |= REACH_BIT(SHARED_VM);
    if (directory)
        closedir(directory);
}

struct own_files {
    const struct snapshot *snapshot;
    atomic_bool found;
};

static void find_own_files_of(void *arg, size_t first, size_t end)
{
    struct own_files *files = arg;
    pid_t task = files->snapshot->task;
    for (size_t i = first; i < end; i++) {
        const struct snapshot_thread *thread = &files->snapshot->threads[i];
        if (thread->tid != task && thread->state != SNAPSHOT_KERNEL &&
            compare_tasks(task, thread->tid, SAME_FILES) > 0)
            atomic_store(&files->found, true);
    }
}

/* unshare(2), CLONE_FILES */
static void find_own_files(struct reach_collector *collector, const struct snapshot *snapshot)
{
    struct own_files files = {.snapshot = snapshot};
    parallel_run(snapshot->count, MIN_PART, find_own_files_of, &files);
    if (atomic_load(&files.found))
        collector->image.caveats |= REACH_BIT(OWN_FILES);
}

void reach_kernel_read(struct reach_collector *collector, const struct snapshot *snapshot)
{
    find_sharers(collector);
    find_own_files(collector, snapshot);
    read_timers(collector, snapshot->task);
    read_signals(collector, snapshot);
    read_queues(collector);
    reach_kernel_read_files(collector, snapshot);
}
