#include "snapshot_why.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long status_number(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    size_t length = strlen(key);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && value < 0 && fgets(line, sizeof(line), file))
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            value = strtol(line + length + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static int yama_scope(void)
{
    int scope = 0;
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    if (file && fscanf(file, "%d", &scope) != 1)
        scope = 0;
    if (file)
        fclose(file);
    return scope;
}

static const char *what_would_allow(pid_t pid)
{
    long owner = status_number(pid, "Uid");
    int scope = yama_scope();
    if (scope >= 3)
        return "kernel.yama.ptrace_scope is 3: nobody may trace until the next boot";
    if (owner >= 0 && geteuid() != 0 && (uid_t)owner != geteuid())
        return "it belongs to another user: run as that user or as root";
    if (scope >= 1 && geteuid() != 0)
        return "run as root, or set kernel.yama.ptrace_scope=0 (sysctl)";
    return "in a container, start it with --cap-add=SYS_PTRACE; elsewhere, run as root";
}

static void name_tracer(pid_t pid, long tracer, struct error *error)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof(path), "/proc/%ld/comm", tracer);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof(name), file))
        name[strcspn(name, "\n")] = 0;
    if (file)
        fclose(file);
    error_set(error, "process %d is already traced by process %ld (%s)", (int)pid, tracer,
              name[0] ? name : "?");
}

static long tracer_of(const struct stop *stop)
{
    for (size_t i = 0; i < stop->count; i++)
        if (stop->tracees[i].state == TRACEE_REFUSED) {
            long tracer = status_number(stop->tracees[i].tid, "TracerPid");
            if (tracer > 0)
                return tracer;
        }
    return 0;
}

enum snapshot_status snapshot_explain(const struct stop *stop, int why, struct error *error)
{
    pid_t pid = stop->pid;
    bool refused = false, stuck = false;
    for (size_t i = 0; i < stop->count; i++) {
        refused |= stop->tracees[i].state == TRACEE_REFUSED;
        stuck |= stop->tracees[i].state == TRACEE_STUCK;
    }
    long tracer = refused ? tracer_of(stop) : 0;
    if (tracer > 0) {
        name_tracer(pid, tracer, error);
        return SNAPSHOT_BUSY;
    }
    if (refused || why == EACCES || why == EPERM) {
        error_set(error, "process %d may not be traced: %s", (int)pid, what_would_allow(pid));
        return SNAPSHOT_REFUSED;
    }
    if (stuck) {
        error_set(error, "process %d does not stop: it is in an uninterruptible wait", (int)pid);
        return SNAPSHOT_FAILED;
    }
    if (why && why != ENOENT && why != ESRCH) {
        error_set(error, "process %d cannot be looked at: %s", (int)pid, strerror(why));
        return SNAPSHOT_FAILED;
    }
    error_set(error, "there is no process %d", (int)pid);
    return SNAPSHOT_GONE;
}
