#include "evidence/started.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "evidence/descriptors.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"
#include "proc/tasks.h"
#include "snapshot/snapshot.h"
#include "wait/module.h"

enum {
    MAX_TRIES = 3,     /* searches for the descriptor of one thread */
    CHECK_ROUNDS = 16, /* one of so many threads is checked in each update: has its tid been reused? */
};

struct item {
    pid_t tid, own; /* here, and in the pid namespace of the process */
    uint64_t start_ticks;
    size_t routine;
    unsigned tries; /* MAX_TRIES: found, or given up */
    bool seen;
};

struct started_threads {
    pid_t pid;
    bool own_namespace; /* the process knows its threads by the same tids as this program */
    unsigned round;
    uint64_t listed_ns, listing_ns; /* when the threads were last listed, and how long that took */
    bool has_lists;
    struct nptl nptl;
    struct item *items; /* by tid */
    size_t count;
    struct started_routine *routines;
    size_t routine_count;
};

/* ---- start routines -------------------------------------------------------------------------- */

static void set_place(struct started_routine *routine, pid_t pid)
{
    struct snapshot *memory;
    struct modules modules;
    if (!snapshot_open_memory(pid, &memory))
        return;
    if (modules_read(&modules, memory)) {
        const struct module *module = modules_find(&modules, routine->address);
        if (module) {
            routine->place = module_address(module, routine->address);
            routine->place.module = strdup(module->path);
            memcpy(routine->build_id, module->build_id, sizeof(routine->build_id));
        }
        modules_release(&modules);
    }
    snapshot_free(memory);
}

static size_t routine_of(struct started_threads *started, uint64_t address)
{
    size_t i = 0;
    while (i < started->routine_count && started->routines[i].address != address)
        i++;
    if (i < started->routine_count)
        return i;
    if (!ARRAY_GROW(started->routines, started->routine_count))
        return 0;
    struct started_routine *routine = &started->routines[started->routine_count++];
    *routine = (struct started_routine){.address = address, .place = {.pc = address, .offset = address}};
    if (address)
        set_place(routine, started->pid);
    return i;
}

/* Threads whose descriptor is searched, by the tid that it contains. */
struct search {
    struct started_threads *started;
    struct wanted {
        pid_t own;
        size_t item;
    } * wanted;
    size_t count, left;
};

static bool take(void *arg, pid_t tid, uint64_t start)
{
    struct search *search = arg;
    const struct wanted *found =
        bsearch(&tid, search->wanted, search->count, sizeof(*search->wanted), compare_tids);
    struct item *item = found ? &search->started->items[found->item] : NULL;
    if (!item || item->tries == MAX_TRIES || !start)
        return true;
    item->routine = routine_of(search->started, start);
    item->tries = MAX_TRIES;
    return --search->left != 0;
}

static bool find_new(struct started_threads *started)
{
    struct search search = {.started = started};
    search.wanted = malloc((started->count + 1) * sizeof(*search.wanted));
    if (!search.wanted)
        return false;
    for (size_t i = 0; i < started->count; i++)
        if (started->items[i].tries < MAX_TRIES)
            search.wanted[search.count++] = (struct wanted){started->items[i].own, i};
    search.left = search.count;
    if (search.count)
        qsort(search.wanted, search.count, sizeof(*search.wanted), compare_tids);
    if (search.left && started->has_lists)
        descriptors_walk(&started->nptl, task_with_memory(started->pid), 2 * started->count + 64, take,
                         &search);
    for (size_t i = 0; i < search.count; i++) {
        struct item *item = &started->items[search.wanted[i].item];
        item->tries += item->tries < MAX_TRIES;
    }
    free(search.wanted);
    return true;
}

/* ---- the threads ----------------------------------------------------------------------------- */

static void begin_item(const struct started_threads *started, struct item *item, pid_t tid, uint64_t ticks)
{
    struct task_status status;
    *item = (struct item){.tid = tid, .own = tid, .start_ticks = ticks, .seen = true};
    if (!started->own_namespace && task_status_read(started->pid, tid, &status))
        item->own = status.own_tid;
}

static struct item *find_item(const struct started_threads *started, size_t count, pid_t tid)
{
    return count ? bsearch(&tid, started->items, count, sizeof(*started->items), compare_tids) : NULL;
}

/* old: how many were known before this update. */
static bool see(struct started_threads *started, size_t old, pid_t tid)
{
    struct task_stat stat;
    struct item *item = find_item(started, old, tid);
    bool check = item && (unsigned)tid % CHECK_ROUNDS == started->round % CHECK_ROUNDS;
    if (item && !check) {
        item->seen = true;
        return true;
    }
    if (!task_stat_read(started->pid, tid, &stat) || task_state_is_end(stat.state))
        return true;
    if (item && item->start_ticks == stat.start_ticks) {
        item->seen = true;
        return true;
    }
    if (!item) {
        if (!ARRAY_GROW(started->items, started->count))
            return false;
        item = &started->items[started->count++];
    }
    begin_item(started, item, tid, stat.start_ticks);
    return true;
}

static bool list_threads(struct started_threads *started)
{
    size_t old = started->count, kept = 0;
    DIR *directory = opendir(PROC_PATH("%d/task", started->pid));
    bool done = directory != NULL;
    for (size_t i = 0; i < old; i++)
        started->items[i].seen = false;
    for (long tid; done && (tid = proc_next_number(directory)) >= 0;)
        done = tid == started->pid || see(started, old, (pid_t)tid);
    if (directory)
        closedir(directory);
    for (size_t i = 0; i < started->count; i++)
        if (started->items[i].seen)
            started->items[kept++] = started->items[i];
    started->count = kept;
    if (kept)
        qsort(started->items, kept, sizeof(*started->items), compare_tids);
    return done;
}

static void count(struct started_threads *started)
{
    for (size_t i = 0; i < started->routine_count; i++)
        started->routines[i].alive = started->routines[i].oldest_ticks = 0;
    for (size_t i = 0; i < started->count; i++) {
        const struct item *item = &started->items[i];
        struct started_routine *routine = &started->routines[item->routine];
        routine->alive++;
        if (!routine->oldest_ticks || item->start_ticks < routine->oldest_ticks)
            routine->oldest_ticks = item->start_ticks;
    }
}

/* So that it costs at most a hundredth of a CPU while no thread is created. */
static bool is_recent(const struct started_threads *started, uint64_t tasks)
{
    return started->listed_ns && tasks == started->count + 1 &&
           now_ns() - started->listed_ns < 100 * started->listing_ns;
}

bool started_update(struct started_threads *started, uint64_t tasks)
{
    uint64_t began = now_ns();
    if (is_recent(started, tasks))
        return true;
    started->round++;
    if (!list_threads(started))
        return false;
    started->listed_ns = now_ns();
    started->listing_ns = started->listed_ns - began;
    bool any = false;
    for (size_t i = 0; i < started->count && !any; i++)
        any = started->items[i].tries < MAX_TRIES;
    if (any && !find_new(started))
        return false;
    count(started);
    return true;
}

struct started_threads *started_open(pid_t pid)
{
    struct snapshot *memory;
    struct task_status status;
    struct started_threads *started = calloc(1, sizeof(*started));
    if (!started || !task_status_read(pid, 0, &status)) {
        free(started);
        return NULL;
    }
    started->pid = pid;
    started->own_namespace = status.own_pid == pid && process_shares_namespace(pid, "pid");
    routine_of(started, 0);
    if (!started->routine_count) {
        started_free(started);
        return NULL;
    }
    if (snapshot_open_memory(pid, &memory)) {
        started->has_lists = nptl_read(&started->nptl, memory) && started->nptl.start;
        snapshot_free(memory);
    }
    return started;
}

void started_free(struct started_threads *started)
{
    if (!started)
        return;
    for (size_t i = 0; i < started->routine_count; i++)
        free((char *)started->routines[i].place.module);
    free(started->routines);
    free(started->items);
    free(started);
}

const struct started_routine *started_routines(const struct started_threads *started, size_t *count_)
{
    for (size_t i = 0; i < started->routine_count; i++)
        started->routines[i].place.build_id = started->routines[i].build_id;
    *count_ = started->routine_count;
    return started->routines;
}

size_t started_routine_of(const struct started_threads *started, pid_t tid)
{
    const struct item *item =
        started->count ? bsearch(&tid, started->items, started->count, sizeof(*item), compare_tids) : NULL;
    return item ? item->routine : SIZE_MAX;
}
