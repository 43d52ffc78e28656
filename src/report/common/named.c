#include "report/common/named.h"

#include <stdlib.h>

#include "base/search.h"

#define IS_TID (UINT64_C(1) << 63)

static uint64_t key_of(uint64_t id, pid_t tid)
{
    return id ? id : IS_TID | (uint64_t)(uint32_t)tid;
}

static int compare(const void *left, const void *right)
{
    const struct named_thread *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static void add(struct named_threads *named, const struct finding *finding)
{
    for (size_t i = 0; i < finding->thread_count; i++, named->count++)
        named->items[named->count] =
            (struct named_thread){key_of(finding->threads[i].id, finding->threads[i].tid), named->count};
}

/* A lost handle does not say why a thread is there: its group stays where it is. */
static bool counts(const struct finding *finding, enum finding_level level)
{
    return finding->level == level && !finding->suppressed_by && finding->code != FINDING_LOST_HANDLE;
}

static size_t count_threads(const struct findings *findings)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].thread_count;
    return count;
}

static void add_aborting(struct named_threads *named, const struct abort_info *abort)
{
    if (abort->call)
        named->items[named->count++] = (struct named_thread){key_of(abort->by, abort->tid), 0};
}

static void add_crashed(struct named_threads *named, const struct crash_info *crash)
{
    if (crash->signal)
        named->items[named->count++] = (struct named_thread){key_of(crash->by, crash->tid), 0};
}

void named_threads_make(struct named_threads *named, const struct process_report *process)
{
    const struct findings *findings = &process->findings;
    *named = (struct named_threads){.items = calloc(count_threads(findings) + 2, sizeof(*named->items))};
    if (named->items) {
        add_aborting(named, &process->abort);
        add_crashed(named, &process->crash);
    }
    for (int level = FINDING_PROVED; named->items && level > FINDING_NOTE; level--)
        for (size_t i = 0; i < findings->count; i++)
            if (counts(&findings->items[i], (enum finding_level)level))
                add(named, &findings->items[i]);
    if (named->count)
        qsort(named->items, named->count, sizeof(*named->items), compare);
}

void named_threads_release(struct named_threads *named)
{
    free(named->items);
    *named = (struct named_threads){0};
}

size_t named_place(const struct named_threads *named, const struct thread_info *thread)
{
    uint64_t key = key_of(thread->id, thread->tid);
    size_t at = named ? SEARCH_FIRST(i, named->count, named->items[i].key >= key) : 0;
    return named && at < named->count && named->items[at].key == key ? named->items[at].place : NOT_NAMED;
}

size_t named_first_place(const struct named_threads *named, const struct thread_info *threads, size_t count)
{
    size_t first = NOT_NAMED;
    for (size_t i = 0; named && named->count && i < count; i++) {
        size_t place = named_place(named, &threads[i]);
        first = place < first ? place : first;
    }
    return first;
}
