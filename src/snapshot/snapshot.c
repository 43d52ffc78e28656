#include "snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/copy.h"
#include "snapshot/source.h"

size_t snapshot_read_some(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    return snapshot->source->read(snapshot, address, to, size);
}

bool snapshot_read_live(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    return snapshot_read_some(snapshot, address, to, size) == size;
}

static bool read_copy(const struct snapshot_copy *copy, uint64_t address, void *to, size_t size)
{
    if (address < copy->start || size > copy->size || address - copy->start > copy->size - size)
        return false;
    memcpy(to, copy->bytes + (address - copy->start), size);
    return true;
}

bool snapshot_read_memory(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                          uint64_t address, void *to, size_t size)
{
    if (thread &&
        (read_copy(&thread->stack, address, to, size) || read_copy(&thread->interrupted, address, to, size) ||
         read_copy(&thread->object, address, to, size)))
        return true;
    const struct region *region = address_space_find(&snapshot->space, address);
    if (!region || !region->readable || size > region->end - address)
        return false;
    if (region->writable && (!snapshot->source->is_frozen || (thread && thread->only_copies)))
        return false;
    return snapshot_read_live(snapshot, address, to, size);
}

/* The descriptor of a thread that libc created is in the mapping of its stack. */
bool snapshot_is_own_stack(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                           uint64_t address)
{
    const struct region *region = address_space_find(&snapshot->space, address);
    return region && (strcmp(region->path, "[stack]") == 0
                          ? thread->tid == snapshot->pid
                          : region == address_space_find(&snapshot->space, thread->thread_pointer));
}

bool snapshot_is_partial(const struct snapshot *snapshot)
{
    return snapshot->source->is_partial;
}

bool snapshot_find_file(const struct snapshot *snapshot, const struct region *region,
                        snapshot_accept_fn *accept, void *arg)
{
    return region->path[0] == '/' && snapshot->source->find_file(snapshot, region, accept, arg);
}

bool snapshot_has_proc(const struct snapshot *snapshot)
{
    return snapshot->source->living_task != NULL;
}

pid_t snapshot_living_task(const struct snapshot *snapshot)
{
    return snapshot_has_proc(snapshot) ? snapshot->source->living_task(snapshot) : 0;
}

bool snapshot_can_deepen(const struct snapshot *snapshot)
{
    return snapshot->source->deepen != NULL;
}

void snapshot_deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count)
{
    if (count && snapshot_can_deepen(snapshot))
        snapshot->source->deepen(snapshot, wants, count);
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    if (snapshot->source && snapshot->source->free_data)
        snapshot->source->free_data(snapshot->source_data);
    arena_free_all(snapshot);
    address_space_release(&snapshot->space);
    free(snapshot->threads);
    free(snapshot);
}

const char *snapshot_state_text(enum snapshot_state state)
{
    switch (state) {
    case SNAPSHOT_STOPPED:
        return NULL;
    case SNAPSHOT_UNSTOPPABLE:
        return "does not stop: in an uninterruptible wait, such as vfork's";
    case SNAPSHOT_TRACED:
        return "is traced by another process";
    case SNAPSHOT_DENIED:
        return "cannot be traced";
    case SNAPSHOT_KERNEL:
        return "is a kernel worker, which runs no code of the program";
    case SNAPSHOT_UNSTEADY:
        return "was not stopped: its short system calls would return something else";
    case SNAPSHOT_FOREIGN:
        return "is of another architecture";
    }
    return NULL;
}
