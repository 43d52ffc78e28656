#include "writer_made.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "preload/ledger/site.h"
#include "preload/ledger/slot.h"

#define TRAMPOLINE 0x1234
struct shim_state state;
static struct thread_birth births[STATE_BIRTHS];
static struct index *indexes;
struct descriptor descriptors[MANY];
struct new_thread latest;

pthread_t handle_of(struct descriptor *descriptor)
{
    return (pthread_t)descriptor;
}

void hand_over(struct descriptor *descriptor, struct ledger_slot *slot)
{
    memset(&descriptor->tls, 0, sizeof(descriptor->tls));
    atomic_store(&descriptor->start, TRAMPOLINE);
    atomic_store(&descriptor->arg, (uint64_t)slot_birth(&state, slot));
}

void writer_begin(void)
{
    memset(&state, 0, sizeof(state));
    indexes = aligned_alloc(64, 2 * sizeof(*indexes));
    ck_assert_ptr_nonnull(indexes);
    memset(indexes, 0, 2 * sizeof(*indexes));
    state.raw = indexes;
    state.encoded = indexes + 1;
    memset(descriptors, 0, sizeof(descriptors));
    shim_config.start_offset = offsetof(struct descriptor, start);
    shim_config.tid_offset = -1;
    shim_config.tls_offset = offsetof(struct descriptor, tls);
    shim_config.trampolines[0] = shim_config.trampolines[1] = TRAMPOLINE;
    state.births = births;
    state.epoch = 77;
    options_defaults(&shim_config.options);
    ck_assert(ledger_map(&state));
    shim_state = &state;
}

void writer_finish(void)
{
    free(indexes);
}

uint32_t make_site_of(void *start)
{
    struct capture *capture = __builtin_alloca(sizeof(*capture) + 2 * sizeof(void *));
    capture->count = 2;
    capture->flags = 0;
    capture->frames[0] = (void *)make_site;
    capture->frames[1] = (void *)writer_begin;
    return site_of(&state, capture, (uint64_t)start);
}

uint32_t make_site(void)
{
    return make_site_of((void *)make_site);
}

int64_t unjoined(const struct ledger_site *site)
{
    return (int64_t)(site->ended_joinable - site->joined - site->detached_late - site->released);
}

int64_t live(const struct ledger_site *site)
{
    return (int64_t)(site->created - site->ended_joinable - site->ended_detached);
}

struct ledger_slot *new_thread(uint32_t site, bool detached)
{
    latest = (struct new_thread){.site = site, .start = 1, .now_ns = 5, .detached = detached};
    struct ledger_slot *slot = thread_new(&state, &latest);
    ck_assert_ptr_nonnull(slot);
    return slot;
}

struct ledger_slot *run_thread(uint32_t site, struct descriptor *descriptor)
{
    struct ledger_slot *slot = new_thread(site, false);
    hand_over(descriptor, slot);
    thread_started(&state, slot, handle_of(descriptor), 7);
    thread_created(&state, &latest);
    return slot;
}

void detach(struct descriptor *descriptor)
{
    struct detach started = detach_begin(&state, handle_of(descriptor));
    detach_end(&state, &started, true, NULL);
}

bool is_free(const struct ledger_slot *slot)
{
    return atomic_load(&slot->serial) == 0;
}
