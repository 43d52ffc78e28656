#include "leak/runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static bool same_leak(const struct leak_group *a, const struct leak_group *b)
{
    return a->kind == b->kind && a->place == b->place && strcmp(a->fingerprint, b->fingerprint) == 0;
}

static struct leak_group *find_leak(struct report *total, const struct leak_group *leak)
{
    for (size_t i = 0; i < total->process_count; i++)
        for (size_t j = 0; j < total->processes[i].group_count; j++)
            if (total->processes[i].groups[j].counted && same_leak(&total->processes[i].groups[j], leak))
                return &total->processes[i].groups[j];
    return NULL;
}

/* Several processes of a run can have one leak. */
static void count_run(struct leak_group *leak, uint64_t number)
{
    if (leak->runs.latest == number)
        return;
    leak->runs.latest = number;
    leak->runs.first = leak->runs.first ? leak->runs.first : number;
    leak->runs.count++;
}

/* Leaks that are known are removed; what remains is new. */
static bool remove_known(struct report *total, struct process_report *process, uint64_t number)
{
    size_t kept = 0;
    bool any_new = false;
    for (size_t i = 0; i < process->group_count; i++) {
        struct leak_group *leak = &process->groups[i], *known = leak->counted ? find_leak(total, leak) : NULL;
        if (known) {
            count_run(known, number);
            leak_group_release(leak);
            continue;
        }
        any_new |= leak->counted;
        process->groups[kept++] = *leak;
    }
    process->group_count = kept;
    return any_new;
}

static void count_new(struct process_report *process, uint64_t number)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i].counted)
            count_run(&process->groups[i], number);
}

static bool has_finding(const struct process_report *process, const char *fingerprint)
{
    for (size_t i = 0; i < process->findings.count; i++)
        if (strcmp(process->findings.items[i].fingerprint, fingerprint) == 0)
            return true;
    return false;
}

/* Notes are no reason to show a process. */
static bool has_new_finding(const struct report *total, const struct process_report *process)
{
    for (size_t i = 0; i < process->findings.count; i++) {
        const struct finding *finding = &process->findings.items[i];
        size_t known = 0;
        while (known < total->process_count && !has_finding(&total->processes[known], finding->fingerprint))
            known++;
        if (known == total->process_count && finding->level > FINDING_NOTE && !finding->suppressed_by)
            return true;
    }
    return false;
}

/* The process of a run that timed out is always shown. */
static bool is_wanted(const struct report *total, const struct process_report *process, bool any_new,
                      uint64_t number)
{
    return any_new || number == 1 || process->how == END_ALIVE || has_new_finding(total, process);
}

bool report_add_run(struct report *total, struct report *one, uint64_t number, bool *moved)
{
    size_t kept = 0;
    bool done = true;
    for (size_t i = 0; i < one->process_count; i++) {
        struct process_report *process = &one->processes[i];
        bool any_new = remove_known(total, process, number);
        if (done && is_wanted(total, process, any_new, number)) {
            done = ARRAY_GROW(total->processes, total->process_count);
            if (done) {
                count_new(process, number);
                total->processes[total->process_count++] = *process;
                *moved = true;
                continue;
            }
        }
        one->processes[kept++] = *process;
    }
    one->process_count = kept;
    total->runs.count++;
    total->runs.leaked += one->summary.leaked_threads > 0;
    total->summary.processes += one->summary.processes;
    return done;
}
