/* From one ledger, and /proc while the process lives, to its part of the report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "ignore.h"
#include "leak.h"
#include "leak_stack.h"
#include "options.h"
#include "process.h"

/* A slot with what is to be said of its thread. */
struct remaining {
    enum leak_kind kind;
    struct ledger_slot slot;
    const struct ledger_site *site;
    const ledger_pc *frames;
    uint32_t frame_count;
};

struct build {
    const struct ledger *ledger;
    const struct ledger_header *header;
    const struct known_end *end;
    const struct verdict_rules *rules;
    struct process_report process;
    struct task_list tasks;
    bool have_tasks;
    uint64_t now_ns; /* 0: unknown */
    struct remaining *remaining;
    size_t count;
};

/* ---- who, and how it ended ------------------------------------------------------- */

static char **copy_argv(const struct ledger *ledger, const struct ledger_header *header)
{
    if (!header->argc)
        return NULL;
    char **argv = calloc(header->argc + 1, sizeof(*argv));
    uint32_t at = header->argv;
    for (uint32_t i = 0; argv && i < header->argc; i++) {
        const char *string = ledger_get_string(ledger, at);
        argv[i] = strdup(string);
        if (!argv[i])
            break;
        at += (uint32_t)strlen(string) + 1;
    }
    return argv;
}

static enum end_how recorded_end(uint32_t end)
{
    switch (end) {
    case LEDGER_END_EXIT:
        return END_EXIT;
    case LEDGER_END__EXIT:
        return END__EXIT;
    case LEDGER_END_QUICK_EXIT:
        return END_QUICK_EXIT;
    case LEDGER_END_EXEC:
        return END_EXEC;
    default:
        return END_SIGNAL;
    }
}

static void set_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct known_end *end = build->end;
    bool recorded = build->header->end != LEDGER_END_NONE;
    bool exited = end->known && WIFEXITED(end->wait_status);

    process->live = end->alive;
    process->how = recorded_end(build->header->end);
    if (recorded) {
        process->judged = build->header->end_judged;
        process->status_known = process->how != END_EXEC;
        process->status = build->header->end_status & 0xff;
        if (exited && process->how != END_EXEC)
            process->status = WEXITSTATUS(end->wait_status);
        return;
    }
    if (end->alive) {
        process->how = END_ALIVE;
        process->judged = build->rules->judge_live;
        return;
    }
    if (exited) { /* by a system call of its own */
        process->how = END__EXIT;
        process->judged = build->rules->judge & JUDGE__EXIT;
        process->status_known = true;
        process->status = WEXITSTATUS(end->wait_status);
        return;
    }
    process->judged = build->rules->judge & JUDGE_SIGNAL;
    if (end->known && WIFSIGNALED(end->wait_status))
        process->signal = WTERMSIG(end->wait_status);
}

static void set_identity(struct build *build)
{
    const char *exe = ledger_get_string(build->ledger, build->header->exe);
    struct process_report *process = &build->process;
    process->pid = build->end->pid ? build->end->pid : build->header->pid;
    process->parent_pid = build->header->ppid;
    process->exe = *exe ? strdup(exe) : NULL;
    process->argv = copy_argv(build->ledger, build->header);
    process->started_wall_ns = build->header->started_wall_ns;
}

static void set_counts(struct build *build)
{
    struct process_report *process = &build->process;
    for (uint32_t i = 0; i < ledger_site_count(build->ledger); i++) {
        const struct ledger_site *site = ledger_get_site(build->ledger, i);
        process->counts.created += site->created;
        process->counts.joined += site->joined;
        process->counts.detached += site->detached;
    }
    process->counts.peak = build->header->peak > 0 ? (uint64_t)build->header->peak : 0;
    process->counts.lost = build->header->lost_events;
}

/* ---- what is left --------------------------------------------------------------------- */

static bool kind_of(const struct build *build, const struct ledger_slot *slot, enum leak_kind *kind)
{
    /* The thread that runs exit() is never a leak. */
    if (build->header->end != LEDGER_END_NONE && slot->serial == build->header->end_serial)
        return false;
    if (!(slot->state & SLOT_ENDED)) {
        *kind = slot->state & SLOT_DETACHED ? LEAK_DETACHED : LEAK_RUNNING;
        return true;
    }
    *kind = LEAK_UNJOINED;
    return !(slot->state & (SLOT_DETACHED | SLOT_JOINED));
}

static bool collect_remaining(struct build *build)
{
    uint32_t slots = ledger_slot_count(build->ledger);
    build->remaining = calloc(slots ? slots : 1, sizeof(*build->remaining));
    if (!build->remaining)
        return false;
    for (uint32_t i = 0; i < slots; i++) {
        struct remaining *item = &build->remaining[build->count];
        if (!ledger_get_slot(build->ledger, i, &item->slot) || !kind_of(build, &item->slot, &item->kind))
            continue;
        item->site = ledger_get_site(build->ledger, item->slot.site);
        if (!item->site)
            item->site = ledger_get_site(build->ledger, 0);
        item->frames = ledger_get_frames(build->ledger, item->site, &item->frame_count);
        build->process.counts.alive += item->kind != LEAK_UNJOINED;
        build->process.counts.unjoined += item->kind == LEAK_UNJOINED;
        build->count++;
    }
    return true;
}

/* Equal stacks are one site, also when a race made two records of it. */
static int compare_sites(const struct remaining *a, const struct remaining *b)
{
    if (a->frame_count != b->frame_count)
        return a->frame_count < b->frame_count ? -1 : 1;
    return memcmp(a->frames, b->frames, a->frame_count * sizeof(*a->frames));
}

static int compare_remaining(const void *left, const void *right)
{
    const struct remaining *a = left, *b = right;
    int order = compare_sites(a, b);
    if (order)
        return order;
    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    return a->slot.serial < b->slot.serial ? -1 : 1;
}

/* ---- the threads ------------------------------------------------------------------------ */

static double seconds_since(const struct build *build, uint64_t then)
{
    if (!build->now_ns || !then || then > build->now_ns)
        return then && then > build->now_ns && build->now_ns ? 0 : -1;
    return (double)(build->now_ns - then) / 1e9;
}

static void copy_name(struct thread_info *thread, const struct ledger_slot *slot)
{
    if (slot->name_seq & 1 || !slot->name_seq)
        return;
    uint64_t words[2] = {slot->name[0], slot->name[1]};
    memcpy(thread->name, words, sizeof(thread->name) - 1);
}

static struct thread_info describe(const struct build *build, const struct remaining *item)
{
    const struct ledger_slot *slot = &item->slot;
    struct thread_info thread = {
        .id = slot->serial,
        .tid = slot->tid,
        .created_by = slot->created_by,
        .age_s = seconds_since(build, slot->created_ns),
        .ended_s = item->kind == LEAK_UNJOINED ? seconds_since(build, slot->ended_ns) : -1,
        .cpu_s = -1,
        .being_joined = slot->state & SLOT_JOINING,
    };
    copy_name(&thread, slot);
    if (item->kind == LEAK_UNJOINED)
        return thread;
    const struct task *task = build->have_tasks ? task_list_find(&build->tasks, thread.tid) : NULL;
    if (task) {
        memcpy(thread.name, task->name, sizeof(thread.name));
        thread.state = task->state;
        thread.cpu_s = task->cpu_s;
    } else if (slot->look_state) {
        thread.state = (char)slot->look_state;
        thread.cpu_s = (double)slot->look_cpu_ns / 1e9;
    }
    return thread;
}

/* ---- the groups ---------------------------------------------------------------------------- */

static const struct frame *common_start(const struct build *build, const struct remaining *items,
                                        size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (items[i].slot.start_pc != items[0].slot.start_pc)
            return NULL;
    return stack_frame(build->ledger, build->rules->symbolizer, items[0].slot.start_pc, false);
}

static const char *find_suppression(const struct build *build, const struct leak_group *group)
{
    const struct ignore *ignore = build->rules->ignore;
    if (!ignore)
        return NULL;
    const char *rule = ignore_match(ignore, group->stack, group->stack_count);
    return rule || !group->start_routine ? rule : ignore_match(ignore, group->start_routine, 1);
}

static bool build_group(struct build *build, const struct remaining *items, size_t count, size_t site,
                        struct leak_group *group)
{
    const struct ledger_site *record = items[0].site;
    memset(group, 0, sizeof(*group));
    group->kind = items[0].kind;
    group->site = site;
    group->threads = calloc(count, sizeof(*group->threads));
    if (!group->threads ||
        !stack_build(build->ledger, build->rules->symbolizer, items[0].frames, items[0].frame_count, group))
        return false;
    for (size_t i = 0; i < count; i++)
        group->threads[i] = describe(build, &items[i]);
    group->thread_count = count;
    group->truncated = record->flags & SITE_TRUNCATED || !items[0].frame_count;
    group->start_routine = common_start(build, items, count);
    if (record->join_pc)
        group->joined_at = stack_frame(build->ledger, build->rules->symbolizer, record->join_pc, true);
    group->site_created = record->created;
    group->site_joined = record->joined;
    stack_fingerprint(group);
    group->suppressed_by = find_suppression(build, group);
    group->counted =
        build->process.judged && build->rules->kinds & leak_kind_bit(group->kind) && !group->suppressed_by;
    return true;
}

/* Counted first; then running, detached, unjoined; the larger first; then the older. */
static int compare_groups(const void *left, const void *right)
{
    const struct leak_group *a = left, *b = right;
    if (a->counted != b->counted)
        return a->counted ? -1 : 1;
    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    if (a->thread_count != b->thread_count)
        return a->thread_count > b->thread_count ? -1 : 1;
    return a->threads[0].id < b->threads[0].id ? -1 : 1;
}

static bool build_groups(struct build *build)
{
    struct process_report *process = &build->process;
    if (!build->count)
        return true;
    process->groups = calloc(build->count, sizeof(*process->groups));
    if (!process->groups)
        return false;
    qsort(build->remaining, build->count, sizeof(*build->remaining), compare_remaining);
    size_t site = 0;
    for (size_t first = 0, end; first < build->count; first = end) {
        const struct remaining *items = &build->remaining[first];
        for (end = first + 1; end < build->count; end++)
            if (compare_sites(items, &build->remaining[end]) != 0 ||
                items->kind != build->remaining[end].kind)
                break;
        if (first && compare_sites(&build->remaining[first - 1], items) != 0)
            site++;
        if (!build_group(build, items, end - first, site, &process->groups[process->group_count++]))
            return false;
    }
    qsort(process->groups, process->group_count, sizeof(*process->groups), compare_groups);
    return true;
}

/* ---- untracked tasks -------------------------------------------------------------------------- */

static bool ledger_knows_tid(const struct ledger *ledger, pid_t tid)
{
    struct ledger_slot slot;
    for (uint32_t i = 0; i < ledger_slot_count(ledger); i++)
        if (ledger_get_slot(ledger, i, &slot) && slot.tid == tid)
            return true;
    return false;
}

static bool add_untracked(struct process_report *process, pid_t tid, const char *name)
{
    struct task_untracked *grown =
        realloc(process->untracked, (process->untracked_count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    process->untracked = grown;
    grown[process->untracked_count].tid = tid;
    snprintf(grown[process->untracked_count++].name, sizeof(grown->name), "%s", name);
    return true;
}

/* Keeps those that a second look, at a later ledger too, still can not explain:
 * a thread may just have begun, or be on its way out. */
static bool look_again(struct build *build, const struct task_list *before)
{
    struct task_list now = {0};
    struct ledger *later = NULL;
    struct error error;
    struct timespec rest = {0, 2000000};
    bool done = true;

    nanosleep(&rest, NULL);
    if (!process_tasks(build->process.pid, &now))
        return true;
    if (ledger_open_process(build->process.pid, &later, &error) == LEDGER_OPEN_OK) {
        for (size_t i = 0; done && i < now.count; i++) {
            const struct task *task = &now.tasks[i];
            if (task->tid != build->process.pid && task->tid != ledger_get_header(later)->end_tid &&
                task->state != 'X' && task->state != 'Z' && task_list_find(before, task->tid) &&
                !ledger_knows_tid(later, task->tid) && !ledger_knows_tid(build->ledger, task->tid))
                done = add_untracked(&build->process, task->tid, task->name);
        }
        ledger_close(later);
    }
    task_list_release(&now);
    return done;
}

static bool find_untracked(struct build *build)
{
    struct process_report *process = &build->process;
    bool done = true;
    if (!build->have_tasks) {
        uint32_t count = build->header->flags & LEDGER_LOOKED ? build->header->untracked_count : 0;
        for (uint32_t i = 0; done && i < count && i < LEDGER_UNTRACKED_MAX; i++)
            done = add_untracked(process, build->header->untracked[i].tid, build->header->untracked[i].name);
        process->counts.untracked = count;
        return done;
    }
    for (size_t i = 0; i < build->tasks.count; i++)
        if (build->tasks.tasks[i].tid != process->pid &&
            !ledger_knows_tid(build->ledger, build->tasks.tasks[i].tid)) {
            done = look_again(build, &build->tasks);
            break;
        }
    process->counts.untracked = process->untracked_count;
    return done;
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static uint64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static bool build_process(struct build *build)
{
    set_identity(build);
    set_end(build);
    set_counts(build);
    build->now_ns = build->end->alive ? clock_now() : build->header->end_ns;
    /* In another pid namespace its tids are not ours. */
    if (build->end->alive && build->process.pid == build->header->pid)
        build->have_tasks = process_tasks(build->process.pid, &build->tasks);
    return collect_remaining(build) && build_groups(build) && find_untracked(build);
}

static bool append_process(struct report *report, const struct process_report *process)
{
    struct process_report *grown = realloc(report->processes, (report->process_count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    report->processes = grown;
    grown[report->process_count++] = *process;
    return true;
}

/* A pid once, however many programs it ran. */
static void count_process(struct report *report, pid_t pid)
{
    for (size_t i = 0; i < report->watched_count; i++)
        if (report->watched[i] == pid)
            return;
    pid_t *grown = realloc(report->watched, (report->watched_count + 1) * sizeof(*grown));
    if (!grown)
        return;
    report->watched = grown;
    grown[report->watched_count++] = pid;
    report->summary.processes = report->watched_count;
}

bool report_add_ledger(struct report *report, const struct ledger *ledger, const struct known_end *end,
                       const struct verdict_rules *rules, struct error *error)
{
    struct build build = {.ledger = ledger, .header = ledger_get_header(ledger), .end = end, .rules = rules};
    bool built = build_process(&build);
    bool worth_it = build.process.counts.created || build.process.counts.lost;

    task_list_release(&build.tasks);
    free(build.remaining);
    count_process(report, build.header->pid);
    if (built && worth_it && append_process(report, &build.process))
        return true;
    process_report_release(&build.process);
    if (built && !worth_it)
        return true;
    error_set(error, "out of memory");
    return false;
}
