/* The lives of threads: when each was created, ended and was joined. */
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
        .joined_s = -1,
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

static int compare_lives(const void *left, const void *right)
{
    const struct thread_life *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

bool build_lives(struct build *build)
{
    const struct thread_index *threads = &build->evidence->threads;
    struct process_report *process = &build->process;
    process->moment_s = seconds_after_begin(build, build->evidence->now_ns);
    process->lives = calloc(threads->count + 1, sizeof(*process->lives));
    for (size_t i = 0; process->lives && i < threads->count; i++) {
        struct thread_life *life = &process->lives[process->life_count++];
        *life = life_of(build, &threads->slots[i]);
        add_task_name(build, life);
    }
    if (process->life_count)
        qsort(process->lives, process->life_count, sizeof(*process->lives), compare_lives);
    return process->lives != NULL;
}
