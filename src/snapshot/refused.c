#include "snapshot/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc/status.h"
#include "proc/tracer.h"

enum { CAP_SYS_PTRACE = 19 };

static struct task_status status_of(pid_t pid)
{
    struct task_status status;
    task_status_read(pid, 0, &status);
    return status;
}

static bool may_trace_all(void)
{
    return status_of(getpid()).capabilities >> CAP_SYS_PTRACE & 1;
}

/* By the check that ptrace makes, which is not a filter's: ptrace(2), "Ptrace access mode checking". */
static bool may_read(pid_t pid)
{
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool is_filtered(pid_t pid, int why)
{
    bool allowed = may_trace_all() || (tracer_scope() == 0 && may_read(pid));
    return why == ENOSYS || (why == EPERM && allowed && status_of(getpid()).seccomp != 0);
}

static const char *what_would_allow(pid_t pid, int why)
{
    const struct task_status status = status_of(pid);
    long scope = tracer_scope();
    if (scope >= 3)
        return "kernel.yama.ptrace_scope is 3, so ptrace is off until the next boot";
    if (!status.has_memory && status.threads == 1)
        return "it is a kernel thread, or it is ending";
    if (is_filtered(pid, why))
        return "a seccomp filter forbids ptrace here; in a container, start it with "
               "--cap-add=SYS_PTRACE or --security-opt=seccomp=unconfined";
    if (may_trace_all())
        return "another program is tracing it, or a security module (SELinux, AppArmor) forbids it";
    if (geteuid() == 0)
        return "CAP_SYS_PTRACE is missing; start the container with --cap-add=SYS_PTRACE";
    if (status.user >= 0 && (uid_t)status.user != geteuid())
        return "it belongs to another user; run threadleak as that user or as root";
    if (scope >= 1)
        return "kernel.yama.ptrace_scope restricts ptrace; run threadleak as root, or set "
               "kernel.yama.ptrace_scope=0 (sysctl)";
    return "it has privileges or is not dumpable (prctl PR_SET_DUMPABLE); run threadleak as root, in a "
           "container "
           "started with --cap-add=SYS_PTRACE";
}

static void name_tracer(pid_t pid, pid_t tracer, struct error *error)
{
    char name[32];
    tracer_name(tracer, name, sizeof(name));
    error_set(error, "%s (pid %d) traces process %d", name, (int)tracer, (int)pid);
}

static int why_refused(const struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == TRACEE_REFUSED)
            return stop->tracees[i].why;
    return 0;
}

pid_t snapshot_tracer(const struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == TRACEE_REFUSED || stop->tracees[i].state == TRACEE_NEW) {
            pid_t tracer = status_of(stop->tracees[i].tid).tracer;
            if (tracer > 0)
                return tracer;
        }
    return 0;
}

bool snapshot_is_passing(const struct stop *stop)
{
    pid_t tracer = snapshot_tracer(stop);
    if (tracer > 0)
        return tracer_is_ours(tracer);
    bool may = may_trace_all() || (tracer_scope() == 0 && status_of(stop->pid).user == (long)geteuid());
    return may && why_refused(stop) == EPERM && status_of(getpid()).seccomp == 0;
}

static bool has_tracee(const struct stop *stop, enum tracee_state state)
{
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == state)
            return true;
    return false;
}

/* A process that hidepid= hides exists, but has no directory in /proc. */
static bool is_hidden(pid_t pid, int why)
{
    return why == ENOENT && pid > 0 && kill(pid, 0) != 0 && errno == EPERM;
}

enum snapshot_status snapshot_explain(const struct stop *stop, int why, struct error *error)
{
    int pid = stop->pid;
    bool refused = has_tracee(stop, TRACEE_REFUSED);
    pid_t tracer = refused || why == ETIMEDOUT ? snapshot_tracer(stop) : 0;
    if (tracer > 0) {
        name_tracer(pid, tracer, error);
        return SNAPSHOT_BUSY;
    }
    if (refused || is_hidden(pid, why) || why == EACCES || why == EPERM) {
        error_set(error, "process %d cannot be traced: %s", pid,
                  what_would_allow(pid, refused ? why_refused(stop) : why));
        return SNAPSHOT_REFUSED;
    }
    if (why == ETIMEDOUT)
        error_set(error, "process %d does not stop: it is blocked in execve", pid);
    else if (has_tracee(stop, TRACEE_STUCK))
        error_set(error, "process %d does not stop: it is in an uninterruptible wait", pid);
    else if (why && why != ENOENT && why != ESRCH)
        error_set(error, "process %d cannot be read: %s", pid, strerror(why));
    else {
        error_set(error, "no process %d", pid);
        return SNAPSHOT_GONE;
    }
    return SNAPSHOT_FAILED;
}
