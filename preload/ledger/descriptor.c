#include "preload/ledger/descriptor.h"

#include <errno.h>
#include <sys/uio.h>

#include "preload/ledger/slot.h"
#include "preload/shim/sys.h"

#define ARG_OFFSET (int32_t)sizeof(void *) /* from the start routine */

struct ledger_slot *descriptor_slot(const struct shim_state *state, pthread_t handle)
{
    int32_t offset = shim_config.start_offset;
    if (offset < 0)
        return NULL;
    uint64_t start = *(const uint64_t *)((const char *)handle + offset);
    uint64_t arg = *(const uint64_t *)((const char *)handle + offset + ARG_OFFSET);
    bool ours = start == shim_config.trampolines[0] || start == shim_config.trampolines[1];
    return ours ? slot_of_birth(state, (const void *)arg) : NULL;
}

/* ---- what a descriptor shows ----------------------------------------------------------- */

enum read_result { READ_WHOLE, READ_GONE, READ_UNKNOWN };

/* The memory can be unmapped at any time, so it is not read directly. */
static enum read_result read_now(const struct shim_state *state, uint64_t handle,
                                 struct ledger_descriptor *now)
{
    uint64_t tid = handle + (uint64_t)shim_config.tid_offset;
    uint64_t words = handle + (uint64_t)shim_config.start_offset - DESCRIPTOR_START * sizeof(uint64_t);
    struct iovec to[] = {{&now->tid, sizeof(now->tid)}, {now->words, sizeof(now->words)}};
    struct iovec from[] = {{(void *)tid, to[0].iov_len}, {(void *)words, to[1].iov_len}};
    long n = SYS6(process_vm_readv, state->pid, to, 2, from, 2, 0);
    if (n == (long)(to[0].iov_len + to[1].iov_len))
        return READ_WHOLE;
    return n >= 0 || n == -EFAULT ? READ_GONE : READ_UNKNOWN;
}

static bool has_task(const struct shim_state *state, int32_t tid)
{
    return SYS3(tgkill, state->pid, tid, 0) != -ESRCH;
}

static uint32_t proved(const struct shim_state *state, const struct ledger_slot *slot, uint32_t bits)
{
    struct ledger_descriptor now;
    enum read_result result = read_now(state, slot->handle, &now);
    if (result == READ_GONE)
        return ledger_gone(bits);
    uint64_t birth = (uint64_t)slot_birth(state, slot);
    uint32_t more = 0;
    if (result == READ_WHOLE)
        more = ledger_proved(&now, slot, bits, birth, birth + sizeof(struct thread_birth));
    if (!((bits | more) & SLOT_ENDED) && !has_task(state, slot->tid))
        more |= SLOT_ENDED;
    return more;
}

static void count(struct ledger_site *site, uint32_t before, uint32_t more)
{
    if (more & SLOT_DETACHED)
        atomic_fetch_add(&site->detached, 1);
    if (more & SLOT_DETACHED && before & SLOT_ENDED)
        atomic_fetch_add(&site->detached_late, 1);
    if (more & SLOT_RELEASED)
        atomic_fetch_add(&site->released, 1);
    if (more & SLOT_ENDED)
        atomic_fetch_add((before | more) & SLOT_DETACHED ? &site->ended_detached : &site->ended_joinable, 1);
}

void descriptor_check(const struct shim_state *state, struct ledger_slot *slot)
{
    uint64_t serial = atomic_load(&slot->serial);
    uint32_t bits = atomic_load(&slot->state);
    if (serial == 0 || !ledger_is_provable(bits) || shim_config.sandboxed || shim_config.tid_offset < 0 ||
        shim_config.start_offset < 0)
        return;
    struct ledger_site *site = &state->sites[slot->site];
    uint32_t more = proved(state, slot, bits) & ~bits;
    if (more && atomic_load(&slot->serial) == serial && slot_set_from(state, slot, bits, more))
        count(site, bits, more);
}

void descriptor_check_all(const struct shim_state *state)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    for (uint32_t i = 0; i < used; i++)
        descriptor_check(state, &state->slots[i]);
}
