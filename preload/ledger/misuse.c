#include "preload/ledger/misuse.h"

#include <errno.h>
#include <stddef.h>

#include "preload/ledger/module.h"
#include "preload/ledger/thread.h"
#include "preload/shim/guard.h"
#include "preload/shim/on_stack.h"
#include "preload/shim/readable.h"

struct misuse {
    struct shim_state *state;
    struct ledger_misuse *record;
    enum ledger_misuse_kind kind;
    struct thread_ref thread;
    pthread_t handle;
    uint32_t before;
    void *caller;
};

/* It can be unmapped by now. */
static bool has_begun(pthread_t handle)
{
    bool begun;
    const char *tls = (const char *)handle + shim_config.tls_offset;
    return !memory_copy(&begun, tls + offsetof(struct shim_tls, begun), sizeof(begun)) || begun;
}

/* A stale descriptor can lead to another thread's slot. A thread that has not begun has no handle there, and
 * the memory of an earlier one says that it has begun. A thread that begins stores its handle first. */
static bool is_slot_of(const struct ledger_slot *slot, pthread_t handle)
{
    bool can_begin = atomic_load(&slot->handle) == 0 && !has_begun(handle);
    return can_begin || atomic_load(&slot->handle) == (uint64_t)handle;
}

static bool is_of(const struct thread_ref *thread, pthread_t handle)
{
    return thread->slot && thread->serial && is_slot_of(thread->slot, handle);
}

/* The record for calls at this place, which may be new. NULL: all are in use. */
static struct ledger_misuse *take_record(struct shim_state *state, uint64_t raw)
{
    for (uint32_t i = 0; i < LEDGER_MISUSES; i++) {
        struct ledger_misuse *record = &state->header->misuses[i];
        uint64_t seen = 0;
        if (atomic_compare_exchange_strong(&record->raw, &seen, raw) || seen == raw)
            return record;
    }
    return NULL;
}

/* A slot that is free keeps what it recorded, but not the serial, until a new thread uses it. Only for a
 * handle that does not lead to its slot. */
static const struct ledger_slot *latest_with(const struct shim_state *state, pthread_t handle)
{
    const struct ledger_slot *latest = NULL;
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    for (uint32_t i = 0; i < used; i++) {
        const struct ledger_slot *slot = &state->slots[i];
        if (atomic_load(&slot->handle) == (uint64_t)handle &&
            (!latest || slot->created_ns > latest->created_ns))
            latest = slot;
    }
    return latest;
}

/* NULL: not known. */
static const struct ledger_slot *slot_of(const struct misuse *misuse)
{
    if (!misuse->thread.slot)
        return latest_with(misuse->state, misuse->handle);
    return is_slot_of(misuse->thread.slot, misuse->handle) ? misuse->thread.slot : NULL;
}

static void fill(void *arg)
{
    const struct misuse *misuse = arg;
    struct ledger_misuse *record = misuse->record;
    const struct ledger_slot *slot = slot_of(misuse);
    record->at = module_encode(misuse->state, (uint64_t)misuse->caller);
    record->by = thread_own_serial(misuse->state);
    record->serial = misuse->kind == MISUSE_JOIN_SELF ? record->by : misuse->thread.serial;
    record->site = slot ? slot->site : 0;
    record->state = misuse->thread.serial ? misuse->before : slot ? atomic_load(&slot->state) : 0;
    atomic_store_explicit(&record->kind, misuse->kind, memory_order_release);
}

static void record(struct misuse *misuse)
{
    if (misuse->kind == MISUSE_NONE)
        return;
    if (!is_of(&misuse->thread, misuse->handle))
        misuse->thread.serial = 0;
    uint64_t raw = (uint64_t)misuse->caller ^ (uint64_t)misuse->kind << 56;
    misuse->record = take_record(misuse->state, raw);
    if (misuse->record && atomic_fetch_add(&misuse->record->count, 1) == 0)
        on_new_stack(fill, misuse);
}

/* glibc returns ESRCH for the descriptor of a thread that is over, while it keeps that for a new thread. A
 * forked child has the descriptors of its parent's threads. */
static bool is_over(const struct shim_state *state, int error)
{
    return error == ESRCH && !(atomic_load(&state->header->flags) & LEDGER_FORKED);
}

static bool is_own(pthread_t handle)
{
    return (const char *)handle + shim_config.tls_offset == (const char *)&shim_tls;
}

static enum ledger_misuse_kind kind_of_join(const struct shim_state *state, const struct join *join,
                                            int error)
{
    bool invalid = error == EINVAL || error == 0;
    if (is_own(join->handle) && (error == EDEADLK || error == 0))
        return MISUSE_JOIN_SELF;
    if (invalid && join->before & SLOT_DETACHED && is_of(&join->thread, join->handle))
        return MISUSE_JOIN_DETACHED;
    return is_over(state, error) ? MISUSE_JOIN_OVER : MISUSE_NONE;
}

void misuse_of_join(struct shim_state *state, const struct join *join, int error, void *caller)
{
    if (!state)
        return;
    struct misuse misuse = {state,        NULL,  kind_of_join(state, join, error), join->thread, join->handle,
                            join->before, caller};
    record(&misuse);
}

void misuse_of_detach(struct shim_state *state, const struct detach *detach, int error, void *caller)
{
    enum ledger_misuse_kind kind = MISUSE_NONE;
    if (!state)
        return;
    if ((error == EINVAL || error == 0) && detach->before & SLOT_DETACHED &&
        is_of(&detach->thread, detach->handle))
        kind = MISUSE_DETACH_DETACHED;
    else if (is_over(state, error))
        kind = MISUSE_DETACH_OVER;
    struct misuse misuse = {state, NULL, kind, detach->thread, detach->handle, detach->before, caller};
    record(&misuse);
}
