#include "wait/ended.h"

#include <string.h>

/* A thread that was not stopped has no thread pointer. If glibc lists it, it has a descriptor of its own. */
static bool has_another(const struct ended_facts *facts, const struct snapshot_thread *thread)
{
    if (thread->state == SNAPSHOT_KERNEL)
        return true;
    if (thread->thread_pointer)
        return thread->thread_pointer != facts->then.owner;
    for (size_t i = 0; i < facts->listed_count; i++)
        if (facts->listed[i].tid > 0 && facts->listed[i].handle != facts->then.owner &&
            own_tids_find(facts->own_tids, facts->listed[i].tid) == thread->tid)
            return true;
    return false;
}

bool ended_with_lock(const struct ended_facts *facts)
{
    if (facts->tid > 0 || memcmp(&facts->then, &facts->now, sizeof(facts->then)) != 0)
        return false;
    for (size_t i = 0; i < facts->snapshot->count; i++)
        if (!has_another(facts, &facts->snapshot->threads[i]))
            return false;
    return true;
}
