/* The tasks of a process that its shim did not see created. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "leak/process_build.h"

/*
 * The tids of a ledger, sorted: there may be as many as tasks to look up.  A thread
 * that is created but has not begun has none there yet, though its task may be in
 * /proc: which one that is nobody can tell, so as many of the youngest are not told
 * as untracked.
 */
struct tids {
    pid_t *items;
    size_t count;
    size_t not_begun;
    uint64_t oldest_ns; /* creation of the oldest that has not begun */
};

static bool tids_of(const struct ledger *ledger, struct tids *tids)
{
    uint32_t slots = ledger_slot_count(ledger);
    struct ledger_slot slot;
    *tids = (struct tids){.items = calloc(slots ? slots : 1, sizeof(*tids->items))};
    if (!tids->items)
        return false;
    for (uint32_t i = 0; i < slots; i++) {
        if (!ledger_get_slot(ledger, i, &slot))
            continue;
        if (slot.tid) {
            tids->items[tids->count++] = slot.tid;
        } else if (!(slot.state & (SLOT_STARTED | SLOT_ENDED))) {
            tids->not_begun++;
            if (!tids->oldest_ns || slot.created_ns < tids->oldest_ns)
                tids->oldest_ns = slot.created_ns;
        }
    }
    qsort(tids->items, tids->count, sizeof(*tids->items), compare_tids);
    return true;
}

static bool tids_have(const struct tids *tids, pid_t tid)
{
    return bsearch(&tid, tids->items, tids->count, sizeof(tid), compare_tids) != NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct thread_info *add_untracked(struct process_report *process, pid_t tid, const char *name)
{
    if (!ARRAY_GROW(process->untracked, process->untracked_count))
        return NULL;
    struct thread_info *thread = &process->untracked[process->untracked_count++];
    *thread = (struct thread_info){.tid = tid, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    return thread;
}

struct thread_info *build_add_untracked(struct process_report *process, const struct thread_stack *current)
{
    struct thread_info *thread = add_untracked(process, current->tid, "");
    if (thread)
        thread->current = current;
    return thread;
}

static bool is_in_ledger(const struct build *build, const struct tids *known,
                         const struct thread_stack *current)
{
    struct ledger_slot slot;
    if (tids_have(known, current->tid))
        return true;
    for (uint32_t i = 0; current->handle && i < ledger_slot_count(build->ledger); i++)
        if (ledger_get_slot(build->ledger, i, &slot) && slot.handle == current->handle)
            return true;
    return false;
}

static bool find_in_core(struct build *build)
{
    struct process_report *process = &build->process;
    const struct stacks *current = process->stacks;
    struct tids known = {0};
    bool done = tids_of(build->ledger, &known);
    for (size_t i = 0; done && current && i < current->count; i++) {
        const struct thread_stack *thread = &current->threads[i];
        if (thread->tid != process->pid && !is_in_ledger(build, &known, thread))
            done = build_add_untracked(process, thread) != NULL;
    }
    process->untracked_count -= smaller(known.not_begun, process->untracked_count);
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

static uint64_t seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec;
}

static bool is_older(const struct task *task, uint64_t seconds)
{
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    return task->start_ticks / ticks + seconds < seconds_of(CLOCK_BOOTTIME);
}

/* Nobody that old has just begun. */
static bool is_old(const struct task *task)
{
    return is_older(task, OLD_SECONDS);
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

/* Again, at a later ledger too.  What cannot be looked at any more is not accused. */
static bool look_again(pid_t pid, struct task_list *suspects, struct tids *latest, uint64_t *ended)
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
    free(latest->items);
    *latest = known;
    task_list_release(&now);
    return done;
}

static bool list_suspects(const struct build *build, struct task_list *suspects, struct tids *known)
{
    suspects->tasks = calloc(build->tasks.count + 1, sizeof(*suspects->tasks));
    bool done = suspects->tasks && tids_of(build->ledger, known);
    for (size_t i = 0; done && i < build->tasks.count; i++)
        if (build->tasks.tasks[i].tid != build->process.pid && !tids_have(known, build->tasks.tasks[i].tid))
            suspects->tasks[suspects->count++] = build->tasks.tasks[i];
    return done;
}

/* False: out of memory. */
static bool look_until_steady(const struct build *build, struct task_list *suspects, struct tids *known)
{
    uint64_t ended = build->header->ended;
    for (long rest = REST_FIRST_MS; suspects->count && rest <= REST_LAST_MS; rest *= 2) {
        size_t count = suspects->count;
        uint64_t before = ended;
        nanosleep(&(struct timespec){0, rest * 1000000}, NULL);
        if (!look_again(build->process.pid, suspects, known, &ended))
            return false;
        bool steady = suspects->count == count && ended == before;
        if (all_old(suspects) || (steady && rest >= REST_STEADY_MS))
            break;
    }
    return true;
}

static int compare_youth(const void *left, const void *right)
{
    const struct task *a = left, *b = right;
    if (a->start_ticks != b->start_ticks)
        return a->start_ticks > b->start_ticks ? -1 : 1;
    return (a->tid < b->tid) - (a->tid > b->tid);
}

static void leave_out_not_begun(struct task_list *suspects, const struct tids *known)
{
    uint64_t oldest_age = seconds_of(CLOCK_MONOTONIC) - known->oldest_ns / 1000000000u;
    size_t left_out = 0, most = smaller(known->not_begun, suspects->count);
    if (!most)
        return;
    qsort(suspects->tasks, suspects->count, sizeof(*suspects->tasks), compare_youth);
    while (left_out < most && !is_older(&suspects->tasks[left_out], oldest_age + OLD_SECONDS))
        left_out++;
    suspects->count -= left_out;
    memmove(suspects->tasks, suspects->tasks + left_out, suspects->count * sizeof(*suspects->tasks));
    qsort(suspects->tasks, suspects->count, sizeof(*suspects->tasks), compare_tids);
}

static bool find_live(struct build *build)
{
    struct task_list suspects = {0};
    struct tids known = {0};
    bool done = list_suspects(build, &suspects, &known) && look_until_steady(build, &suspects, &known);
    if (done)
        leave_out_not_begun(&suspects, &known);
    for (size_t i = 0; done && i < suspects.count; i++) {
        const struct task *task = &suspects.tasks[i];
        struct thread_info *thread = add_untracked(&build->process, task->tid, task->name);
        done = thread != NULL;
        if (done)
            build_look_at_task(build, task, thread);
    }
    build->process.counts.untracked = build->process.untracked_count;
    free(known.items);
    task_list_release(&suspects);
    return done;
}

/* ---- an ended process ---------------------------------------------------------------- */

/* As its shim saw it.  A thread may have begun after that look. */
static bool find_ended(struct build *build)
{
    const struct ledger_header *header = build->header;
    struct process_report *process = &build->process;
    uint32_t listed = (uint32_t)smaller(header->untracked_count, LEDGER_UNTRACKED_MAX);
    struct tids known = {0};
    bool done = tids_of(build->ledger, &known);
    size_t count = header->untracked_count;
    for (uint32_t i = 0; done && i < listed; i++) {
        if (tids_have(&known, header->untracked[i].tid))
            count--;
        else
            done = add_untracked(process, header->untracked[i].tid, header->untracked[i].name) != NULL;
    }
    /* In /proc's order: the youngest stand last. */
    count -= smaller(known.not_begun, count);
    process->untracked_count = smaller(process->untracked_count, count);
    process->counts.untracked = count;
    free(known.items);
    return done;
}

bool build_untracked(struct build *build)
{
    if (build->process.core)
        return find_in_core(build);
    if (build->have_tasks)
        return find_live(build);
    if (!(build->header->flags & LEDGER_SAMPLED))
        return true;
    return find_ended(build);
}
