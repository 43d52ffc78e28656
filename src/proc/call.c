#include "proc/call.h"

#include <stdlib.h>
#include <string.h>

#include "proc/file.h"

/* "NR 0xARG … 0xSP 0xPC", "running", or "-1 0xSP 0xPC" */
static void parse(const char *text, struct task_call *call)
{
    char *at;
    uint64_t values[8];
    size_t count = 0;
    if (strncmp(text, "running", 7) == 0) {
        call->state = TASK_CALL_RUNNING;
        return;
    }
    long nr = strtol(text, &at, 10);
    for (const char *before = at; count < 8; before = at, count++) {
        values[count] = strtoull(before, &at, 16);
        if (at == before)
            break;
    }
    if (count == 2)
        call->state = TASK_CALL_NONE;
    if (count != 8 || nr < 0)
        return;
    call->state = TASK_CALL_BLOCKED;
    call->nr = nr;
    memcpy(call->args, values, sizeof(call->args));
    call->sp = values[6];
    call->pc = values[7];
}

void task_call_read(pid_t pid, pid_t tid, struct task_call *call)
{
    char text[256];
    *call = (struct task_call){.state = TASK_CALL_UNKNOWN, .nr = -1};
    if (proc_read(PROC_PATH("%d/task/%d/syscall", pid, tid), text, sizeof(text)) > 0)
        parse(text, call);
}

/* Counts in status; each key begins with a newline. */
static uint64_t sum_of_counts(pid_t pid, pid_t tid, const char *const *keys)
{
    char text[16384];
    uint64_t sum = 0;
    if (proc_read(PROC_PATH("%d/task/%d/status", pid, tid), text, sizeof(text)) <= 0)
        return 0;
    for (; *keys; keys++) {
        const char *at = strstr(text, *keys);
        sum += at ? strtoull(at + strlen(*keys), NULL, 10) : 0;
    }
    return sum;
}

static const char voluntary[] = "\nvoluntary_ctxt_switches:", other[] = "\nnonvoluntary_ctxt_switches:";

/* schedstat: "NS_ON_CPU NS_READY RUNS". It takes less time than status. A kernel that does not count has 0.
 */
static uint64_t schedstat(pid_t pid, pid_t tid, int index)
{
    char text[128], *at = text;
    uint64_t value = 0;
    if (proc_read(PROC_PATH("%d/task/%d/schedstat", pid, tid), text, sizeof(text)) > 0)
        for (int i = 0; i <= index; i++)
            value = strtoull(at, &at, 10);
    return value;
}

uint64_t task_runs_read(pid_t pid, pid_t tid)
{
    uint64_t runs = schedstat(pid, tid, 2);
    return runs ? runs : sum_of_counts(pid, tid, (const char *const[]){voluntary, other, NULL});
}

uint64_t task_cpu_ns_read(pid_t pid, pid_t tid)
{
    return schedstat(pid, tid, 0);
}

uint64_t task_sleeps_read(pid_t pid, pid_t tid)
{
    return sum_of_counts(pid, tid, (const char *const[]){voluntary, NULL});
}

bool task_call_is_same(const struct task_call *before, const struct task_call *after)
{
    return before->state == TASK_CALL_BLOCKED && after->state == TASK_CALL_BLOCKED &&
           before->nr == after->nr && before->sp == after->sp && before->pc == after->pc &&
           before->runs == after->runs && memcmp(before->args, after->args, sizeof(before->args)) == 0;
}
