#include "preload/ledger/failure.h"

#include <errno.h>

#include "preload/shim/tasks.h"

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
