/* The tasks of a process that its shim did not see created. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "leak_build.h"

/* The tids of a ledger, sorted: there may be as many as tasks to look up. */
struct tids {
    pid_t *items;
    size_t count;
};

static int compare_tids(const void *left, const void *right)
{
    pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;
    return (a > b) - (a < b);
}

static bool tids_of(const struct ledger *ledger, struct tids *tids)
{
    uint32_t slots = ledger_slot_count(ledger);
    struct ledger_slot slot;
    tids->count = 0;
    tids->items = calloc(slots ? slots : 1, sizeof(*tids->items));
    if (!tids->items)
        return false;
    for (uint32_t i = 0; i < slots; i++)
        if (ledger_get_slot(ledger, i, &slot))
            tids->items[tids->count++] = slot.tid;
    qsort(tids->items, tids->count, sizeof(*tids->items), compare_tids);
    return true;
}

static bool tids_have(const struct tids *tids, pid_t tid)
{
    return bsearch(&tid, tids->items, tids->count, sizeof(tid), compare_tids) != NULL;
}

static struct thread_info *add_untracked(struct process_report *process, pid_t tid, const char *name)
{
    struct thread_info *grown = realloc(process->untracked, (process->untracked_count + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    process->untracked = grown;
    struct thread_info *thread = &grown[process->untracked_count++];
    *thread = (struct thread_info){.tid = tid, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    return thread;
}

struct thread_info *build_add_untracked(struct process_report *process, const struct present_thread *present)
{
    struct thread_info *thread = add_untracked(process, present->tid, "");
    if (thread)
        thread->present = present;
    return thread;
}

static bool is_in_ledger(const struct build *build, const struct tids *known,
                         const struct present_thread *present)
{
    struct ledger_slot slot;
    if (tids_have(known, present->tid))
        return true;
    for (uint32_t i = 0; present->handle && i < ledger_slot_count(build->ledger); i++)
        if (ledger_get_slot(build->ledger, i, &slot) && slot.handle == present->handle)
            return true;
    return false;
}

static bool find_in_core(struct build *build)
{
    struct process_report *process = &build->process;
    const struct present *present = process->present;
    struct tids known = {0};
    bool done = tids_of(build->ledger, &known);
    for (size_t i = 0; done && present && i < present->count; i++) {
        const struct present_thread *thread = &present->threads[i];
        if (thread->tid != process->pid && !is_in_ledger(build, &known, thread))
            done = build_add_untracked(process, thread) != NULL;
    }
    process->counts.untracked = process->untracked_count;
    free(known.items);
    return done;
}

/* ---- a live process ----------------------------------------------------------------- */

/*
 * A thread that has just begun is not in the ledger yet, and one on its way out not any
 * more: starved of a processor, for a good part of a second.  So the looks go on, with
 * growing rests, for as long as something moves.
 */
#define REST_FIRST_MS 2
#define REST_STEADY_MS 16 /* nothing moved in that long: it is as it is */
#define REST_LAST_MS 512
#define OLD_SECONDS 5

/* Nobody that old has just begun. */
static bool is_old(const struct task *task)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    return task->start_ticks / ticks + OLD_SECONDS < (uint64_t)now.tv_sec;
}

/* Keeps the suspects that are still there and still not in the ledger. */
static void keep_unexplained(struct task_list *suspects, const struct task_list *now,
                             const struct tids *known, pid_t end_tid)
{
    size_t kept = 0;
    for (size_t i = 0; i < suspects->count; i++) {
        const struct task *task = task_list_find(now, suspects->tasks[i].tid);
        if (task && task->start_ticks == suspects->tasks[i].start_ticks && task->state != 'X' &&
            task->state != 'Z' && task->tid != end_tid && !tids_have(known, task->tid))
            suspects->tasks[kept++] = *task;
    }
    suspects->count = kept;
}

static bool all_old(const struct task_list *tasks)
{
    for (size_t i = 0; i < tasks->count; i++)
        if (!is_old(&tasks->tasks[i]))
            return false;
    return true;
}

/* Again, at a later ledger too.  What can not be looked at any more is not accused. */
static bool look_again(pid_t pid, struct task_list *suspects, uint64_t *ended)
{
    struct task_list now = {0};
    struct ledger *ledger = NULL;
    struct tids known = {0};
    struct error error;
    bool done = true;

    if (process_tasks(pid, &now) && ledger_open_process(pid, &ledger, &error) == LEDGER_OPEN_OK) {
        done = tids_of(ledger, &known);
        if (done)
            keep_unexplained(suspects, &now, &known, ledger_get_header(ledger)->end_tid);
        *ended = ledger_get_header(ledger)->ended;
    } else {
        suspects->count = 0;
    }
    ledger_close(ledger);
    free(known.items);
    task_list_release(&now);
    return done;
}

static bool list_suspects(const struct build *build, struct task_list *suspects)
{
    struct tids known = {0};
    suspects->tasks = calloc(build->tasks.count + 1, sizeof(*suspects->tasks));
    bool done = suspects->tasks && tids_of(build->ledger, &known);
    for (size_t i = 0; done && i < build->tasks.count; i++)
        if (build->tasks.tasks[i].tid != build->process.pid && !tids_have(&known, build->tasks.tasks[i].tid))
            suspects->tasks[suspects->count++] = build->tasks.tasks[i];
    free(known.items);
    return done;
}

/* False: out of memory. */
static bool look_until_steady(const struct build *build, struct task_list *suspects)
{
    uint64_t ended = build->header->ended;
    for (long rest = REST_FIRST_MS; suspects->count && rest <= REST_LAST_MS; rest *= 2) {
        size_t count = suspects->count;
        uint64_t before = ended;
        nanosleep(&(struct timespec){0, rest * 1000000}, NULL);
        if (!look_again(build->process.pid, suspects, &ended))
            return false;
        bool steady = suspects->count == count && ended == before;
        if (all_old(suspects) || (steady && rest >= REST_STEADY_MS))
            break;
    }
    return true;
}

static bool find_live(struct build *build)
{
    struct task_list suspects = {0};
    bool done = list_suspects(build, &suspects) && look_until_steady(build, &suspects);
    for (size_t i = 0; done && i < suspects.count; i++) {
        const struct task *task = &suspects.tasks[i];
        struct thread_info *thread = add_untracked(&build->process, task->tid, task->name);
        done = thread != NULL;
        if (done)
            build_look_at_task(build, task, thread);
    }
    build->process.counts.untracked = build->process.untracked_count;
    task_list_release(&suspects);
    return done;
}

bool build_untracked(struct build *build)
{
    const struct ledger_header *header = build->header;
    if (build->process.core)
        return find_in_core(build);
    if (build->have_tasks)
        return find_live(build);
    if (!(header->flags & LEDGER_LOOKED))
        return true;
    uint32_t count = header->untracked_count;
    for (uint32_t i = 0; i < count && i < LEDGER_UNTRACKED_MAX; i++)
        if (!add_untracked(&build->process, header->untracked[i].tid, header->untracked[i].name))
            return false;
    build->process.counts.untracked = count;
    return true;
}
