/* The lives of threads: when each was created, ended and was joined. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "leak/process_build.h"
#include "stacks/stacks.h"

/* Below zero: unknown. */
static double seconds_after_begin(const struct build *build, uint64_t ns)
{
    uint64_t began = build->header->started_ns;
    if (!ns || !began)
        return -1;
    return ns > began ? (double)(ns - began) / 1e9 : 0;
}

static struct thread_life life_of(const struct build *build, const struct ledger_slot *slot)
{
    struct thread_life life = {
        .id = slot->serial,
        .tid = slot->tid,
        .created_s = seconds_after_begin(build, slot->created_ns),
        .ended_s = slot->state & SLOT_ENDED ? seconds_after_begin(build, slot->ended_ns) : -1,
        .joined_s = slot->state & SLOT_JOINED ? seconds_after_begin(build, slot->joined_ns) : -1,
        .ended = slot->state & SLOT_ENDED,
        .detached = slot->state & SLOT_DETACHED,
        .joined = slot->state & SLOT_JOINED,
        .released = slot->state & SLOT_RELEASED,
        .start = stack_function(build->evidence->ledger, build->rules->symbolizer, slot->start_pc),
    };
    build_copy_name(life.name, slot);
    return life;
}

/* Names that were not set by the program itself are in /proc. */
static void add_task_name(const struct build *build, struct thread_life *life)
{
    const struct task *task = life->ended ? NULL : task_list_find(&build->evidence->tasks, life->tid);
    if (task)
        memcpy(life->name, task->name, sizeof(life->name));
}

/* Of untracked threads only the beginning is known, from /proc. */
static struct thread_life life_of_task(const struct task *main, const struct task *task)
{
    bool known = main && main->start_ticks && task->start_ticks;
    struct thread_life life = {.tid = task->tid, .created_s = -1, .ended_s = -1, .joined_s = -1};
    if (known)
        life.created_s = main->age_s > task->age_s ? round((main->age_s - task->age_s) * 100) / 100 : 0;
    memcpy(life.name, task->name, sizeof(life.name));
    return life;
}

static int compare_lives(const void *left, const void *right)
{
    const struct thread_life *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

/* Those of the ledger: of threads that are alive or unjoined, then of those whose slot is free. */
static void add_tracked(const struct build *build, struct process_report *process)
{
    const struct ledger *ledger = build->evidence->ledger;
    const struct thread_index *threads = &build->evidence->threads;
    struct ledger_slot past;
    for (size_t i = 0; i < threads->count; i++) {
        struct thread_life *life = &process->lives[process->life_count++];
        *life = life_of(build, &threads->slots[i]);
        add_task_name(build, life);
    }
    for (uint32_t i = 0; i < ledger_slot_count(ledger); i++)
        if (ledger_get_past(ledger, i, &past))
            process->lives[process->life_count++] = life_of(build, &past);
}

bool build_lives(struct build *build)
{
    const struct evidence *evidence = build->evidence;
    const struct task *main = task_list_find(&evidence->tasks, evidence->pid);
    struct process_report *process = &build->process;
    size_t past = evidence->ledger ? ledger_slot_count(evidence->ledger) : 0;
    process->lives =
        calloc(evidence->threads.count + past + evidence->untracked.count + 1, sizeof(*process->lives));
    if (!process->lives)
        return false;
    if (build->header) {
        process->moment_s = seconds_after_begin(build, evidence->now_ns);
        add_tracked(build, process);
    } else if (main && main->start_ticks)
        process->moment_s = main->age_s;
    for (size_t i = 0; i < evidence->untracked.count; i++)
        process->lives[process->life_count++] = life_of_task(main, &evidence->untracked.tasks[i]);
    if (process->life_count)
        qsort(process->lives, process->life_count, sizeof(*process->lives), compare_lives);
    return true;
}
