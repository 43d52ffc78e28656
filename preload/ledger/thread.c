#include "preload/ledger/thread.h"

#include <string.h>

#include "preload/ledger/argument.h"
#include "preload/ledger/descriptor.h"
#include "preload/ledger/module.h"
#include "preload/ledger/slot.h"
#include "preload/shim/guard.h"
#include "preload/shim/tasks.h"

#define RELAXED memory_order_relaxed

static void raise_peak(_Atomic int64_t *peak, int64_t live)
{
    int64_t known = atomic_load_explicit(peak, RELAXED);
    while (live > known && !atomic_compare_exchange_weak(peak, &known, live))
        ;
}

static uint64_t count_begun(const struct ledger_header *header)
{
    return atomic_load(&header->next_serial) - (LEDGER_MAIN_SERIAL + 1) - atomic_load(&header->dropped);
}

static uint64_t count_ended(const struct shim_state *state)
{
    uint32_t used = ledger_used(state->header, SECTION_SITES);
    uint64_t ended = 0;
    for (uint32_t i = 0; i < used; i++)
        ended += atomic_load(&state->sites[i].ended_joinable) + atomic_load(&state->sites[i].ended_detached);
    return ended;
}

int64_t ledger_live(const struct shim_state *state)
{
    uint64_t ended = count_ended(state); /* read first, so that it is at most the number of begun threads */
    return (int64_t)(count_begun(state->header) - ended);
}

/* Reads the beginnings first, so the result is at most the number at that moment. In the other order any
 * number of threads could end in between and count as alive. */
static int64_t live_now(const _Atomic uint64_t *began, const _Atomic uint64_t *ended,
                        const _Atomic uint64_t *ended_too)
{
    uint64_t before = atomic_load(began);
    return (int64_t)(before - atomic_load(ended) - atomic_load(ended_too));
}

/* The peaks with this thread. The exact number needs cache lines that children write. So it is read only when
 * the number of threads that are not joined is above the peak. */
static void note_peaks(struct shim_state *state, const struct ledger_site *site, int64_t live_then[2])
{
    live_then[0] = live_then[1] = 0;
    struct ledger_header *header = state->header;
    int64_t bound = (int64_t)(atomic_load_explicit(&site->created, RELAXED) -
                              atomic_load_explicit(&site->joined, RELAXED));
    if (bound > atomic_load_explicit(&site->peak, RELAXED))
        live_then[0] = live_now(&site->created, &site->ended_joinable, &site->ended_detached);
    bound = (int64_t)(atomic_load_explicit(&header->next_serial, RELAXED) - (LEDGER_MAIN_SERIAL + 1) -
                      atomic_load_explicit(&header->dropped, RELAXED) -
                      atomic_load_explicit(&header->over, RELAXED));
    if (bound > atomic_load_explicit(&header->peak, RELAXED)) {
        uint64_t begun = count_begun(header);
        live_then[1] = (int64_t)(begun - count_ended(state));
    }
}

/* ---- creation --------------------------------------------------------------- */

static void fill_slot(struct ledger_slot *slot, const struct new_thread *thread, ledger_pc start_pc)
{
    uint32_t bits = (thread->detached ? SLOT_DETACHED : 0u) | (thread->small_stack ? SLOT_SMALL_STACK : 0u) |
                    (thread->passed.changed ? SLOT_ARGUMENT_CHANGED : 0u);
    uint32_t uses = atomic_load_explicit(&slot->state, RELAXED) / SLOT_USE + 1;
    atomic_store_explicit(&slot->state, bits | uses * SLOT_USE, RELAXED);
    atomic_store_explicit(&slot->handle, 0, RELAXED);
    atomic_store_explicit(&slot->tid, 0, RELAXED);
    atomic_store_explicit(&slot->ended_ns, 0, RELAXED);
    atomic_store_explicit(&slot->joined_ns, 0, RELAXED);
    atomic_store_explicit(&slot->name_seq, 0, RELAXED);
    atomic_store_explicit(&slot->sample_state, 0, RELAXED);
    atomic_store_explicit(&slot->fault_signal, 0, RELAXED);
    slot->site = thread->site;
    slot->arg = thread->arg;
    slot->start_pc = start_pc;
    slot->created_ns = thread->now_ns;
    slot->created_by = thread->created_by;
    slot->test = thread->test;
}

/* If the section is full, some slots may be of threads whose end or join no hook saw. The search takes long,
 * so it is repeated only after 1, 2, 4, 8 … lost events. */
static struct ledger_slot *take_slot(struct shim_state *state)
{
    struct ledger_slot *slot = slot_take(state);
    if (slot)
        return slot;
    uint64_t lost = atomic_fetch_add(&state->header->lost_events, 1);
    if (lost & (lost - 1))
        return NULL;
    descriptor_check_all(state);
    slot = slot_take(state);
    if (slot)
        atomic_fetch_sub(&state->header->lost_events, 1);
    return slot;
}

struct ledger_slot *thread_new(struct shim_state *state, struct new_thread *thread)
{
    struct ledger_site *site = &state->sites[thread->site];
    struct ledger_slot *slot = take_slot(state);
    if (!slot)
        return NULL;
    bool same = thread->start == site->start;
    fill_slot(slot, thread, same ? site->start_pc : module_encode(state, thread->start));
    *(struct thread_birth *)slot_birth(state, slot) = (struct thread_birth){thread->start, thread->arg};
    uint64_t serial = atomic_fetch_add(&state->header->next_serial, 1);
    atomic_store_explicit(&slot->serial, serial, memory_order_release);

    /* This counts before the thread can run, so that its end is not counted first. */
    atomic_fetch_add(&site->created, 1);
    if (thread->site == 0)
        atomic_fetch_add(&state->header->lost_places, 1);
    if (thread->detached)
        atomic_fetch_add(&site->detached, 1);
    note_peaks(state, site, thread->live_then);
    return slot;
}

void thread_dropped(struct shim_state *state, struct ledger_slot *slot)
{
    struct ledger_site *site = &state->sites[slot->site];
    if (atomic_load_explicit(&slot->state, RELAXED) & SLOT_DETACHED)
        atomic_fetch_sub(&site->detached, 1);
    atomic_fetch_sub(&site->created, 1);
    atomic_fetch_add(&state->header->dropped, 1);
    slot_give(state, slot);
}

/* ---- a creation that failed ---------------------------------------------------- */

static uint32_t count_unjoined(const struct shim_state *state)
{
    uint32_t used = ledger_used(state->header, SECTION_SITES);
    int64_t count = 0;
    for (uint32_t i = 0; i < used; i++) {
        const struct ledger_site *site = &state->sites[i];
        uint64_t released =
            atomic_load(&site->joined) + atomic_load(&site->detached_late) + atomic_load(&site->released);
        count += (int64_t)(atomic_load(&site->ended_joinable) - released);
    }
    return count > 0 ? (uint32_t)count : 0;
}

static void record_latest(struct shim_state *state, const struct new_thread *thread, enum ledger_fail error)
{
    struct ledger_failure *latest = &state->header->failure;
    uint32_t seq = atomic_load(&latest->seq);
    if (seq & 1 || !atomic_compare_exchange_strong(&latest->seq, &seq, seq + 1))
        return; /* another thread records its failure now */
    latest->error = error;
    latest->site = thread->site;
    latest->threads = shim_count_tasks();
    latest->unjoined = count_unjoined(state);
    latest->created_by = thread->created_by;
    latest->ns = thread->now_ns;
    atomic_store_explicit(&latest->seq, seq + 2, memory_order_release);
}

void thread_failed(struct shim_state *state, struct ledger_slot *slot, const struct new_thread *thread,
                   int error)
{
    enum ledger_fail fail = error ? ledger_fail_of(error) : FAIL_THRD;
    thread_dropped(state, slot);
    atomic_fetch_add(&state->sites[thread->site].failed[fail], 1);
    record_latest(state, thread, fail);
}

/* ---- a creation that succeeded -------------------------------------------------- */

void thread_created(struct shim_state *state, const struct new_thread *thread)
{
    raise_peak(&state->sites[thread->site].peak, thread->live_then[0]);
    raise_peak(&state->header->peak, thread->live_then[1]);
    argument_created(&thread->passed);
}

void thread_started(struct shim_state *state, struct ledger_slot *slot, pthread_t self, int32_t tid)
{
    atomic_store_explicit(&slot->tid, tid, RELAXED);
    atomic_store_explicit(&slot->handle, (uint64_t)self, RELAXED);
    bool found = descriptor_slot(state, self) == slot;
    atomic_fetch_or(&slot->state, SLOT_STARTED | (found ? SLOT_IN_DESCRIPTOR : 0u));
    /* The slot must be in our TLS before this. detach_begin does the two in the other order. */
    if (atomic_load(&shim_tls.early_detach))
        slot_detached(state, slot);
}

/* ---- the end ------------------------------------------------------------------ */

void thread_ended(struct shim_state *state, struct ledger_slot *slot, uint64_t now_ns)
{
    struct ledger_site *site = &state->sites[slot->site];
    atomic_store_explicit(&slot->ended_ns, now_ns, RELAXED);
    uint32_t before = slot_set(state, slot, SLOT_ENDED);
    atomic_fetch_add(before & SLOT_DETACHED ? &site->ended_detached : &site->ended_joinable, 1);
}

uint64_t thread_own_serial(const struct shim_state *state)
{
    if (shim_tls.epoch == state->epoch)
        return shim_tls.serial;
    return shim_own_tid() == state->pid ? LEDGER_MAIN_SERIAL : 0;
}

/* ---- names ---------------------------------------------------------------------- */

void thread_named(struct ledger_slot *slot, const char *name)
{
    uint64_t words[2] = {0, 0};
    memcpy(words, name, strnlen(name, sizeof(words) - 1));
    uint32_t seq = atomic_load(&slot->name_seq);
    if (seq & 1 || !atomic_compare_exchange_strong(&slot->name_seq, &seq, seq + 1))
        return; /* another thread sets a name now: either name is correct */
    atomic_store_explicit(&slot->name[0], words[0], RELAXED);
    atomic_store_explicit(&slot->name[1], words[1], RELAXED);
    atomic_store_explicit(&slot->name_seq, seq + 2, memory_order_release);
}
