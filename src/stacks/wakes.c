#include "stacks/wakes.h"

#include <string.h>

static const uint64_t *header_address(const struct ledger *ledger)
{
    return ledger ? &ledger_get_header(ledger)->wakes : NULL;
}

bool wakes_are_recorded(const struct ledger *ledger)
{
    const uint64_t *address = header_address(ledger);
    return address && *address;
}

/* ---- a record -------------------------------------------------------------------------- */

/* A race can make two records: the older one is not used any more. A record that was never used proves that
 * none of the bucket was replaced. */
static enum notified_state choose(const struct wake bucket[WAKE_WAYS], uint64_t address, size_t *chosen)
{
    enum notified_state state = NOTIFIED_UNKNOWN;
    for (size_t i = 0; i < WAKE_WAYS; i++) {
        const struct wake *wake = &bucket[i];
        if (wake->object == 0 && state == NOTIFIED_UNKNOWN)
            state = NOTIFIED_NEVER;
        if (wake->object != ~address || (state == NOTIFIED_BY && wake->latest_ns < bucket[*chosen].latest_ns))
            continue;
        state = NOTIFIED_BY;
        *chosen = i;
    }
    return state;
}

/* Threads can notify while this reads. */
static bool is_unchanged(const struct wakes_reader *reader, uint64_t at, uint64_t seq)
{
    uint64_t now;
    return !(seq & 1) &&
           snapshot_read_live(reader->snapshot, at + offsetof(struct wake, seq), &now, sizeof(now)) &&
           now == seq;
}

static enum notified_state read_record(const struct wakes_reader *reader, uint64_t address,
                                       struct wake *record)
{
    struct wake bucket[WAKE_WAYS];
    size_t chosen = 0;
    uint64_t at = *header_address(reader->ledger) + wake_bucket(address) * sizeof(*record);
    if (!snapshot_read_live(reader->snapshot, at, bucket, sizeof(bucket)))
        return NOTIFIED_UNKNOWN;
    enum notified_state state = choose(bucket, address, &chosen);
    if (state != NOTIFIED_BY)
        return state;
    memcpy(record, &bucket[chosen], sizeof(*record));
    if (!is_unchanged(reader, at + chosen * sizeof(*record), record->seq) || record->ns != record->latest_ns)
        return NOTIFIED_UNKNOWN;
    if (record->ns)
        return NOTIFIED_BY;
    return record->notifiers ? NOTIFIED_UNKNOWN : NOTIFIED_NEVER;
}

/* ---- the stack of the notifier ---------------------------------------------------------------- */

static const struct stack *unwind_notifier(const struct wakes_reader *reader, const struct wake *record)
{
    static const unsigned char numbers[WAKE_REGISTER_COUNT] = WAKE_REGISTERS;
    struct snapshot_thread then = {.only_copies = true, .unknown_regs = ~UINT64_C(0)};
    uint64_t words = record->words < WAKE_STACK_WORDS ? record->words : WAKE_STACK_WORDS;
    for (size_t i = 0; i < WAKE_REGISTER_COUNT; i++) {
        then.regs[numbers[i]] = record->registers[i];
        then.unknown_regs &= ~(UINT64_C(1) << numbers[i]);
    }
    then.pc = then.regs[SNAPSHOT_REG_PC];
    then.sp = then.regs[SNAPSHOT_REG_SP];
    then.stack = (struct snapshot_copy){then.sp, words * sizeof(uint64_t), (unsigned char *)record->stack};
    return unwind_earlier(reader->unwinder, &then);
}

/* ---- the wait ------------------------------------------------------------------------------------ */

/* A blocked thread is left running, so its registers do not show where its thread-local storage is. */
static uint64_t handle_of(const struct wakes_reader *reader, const struct snapshot_thread *thread)
{
    const struct ledger_slot *slot = thread_index_find(reader->threads, thread->tid);
    if (thread->thread_pointer)
        return thread->thread_pointer;
    if (thread->tid == reader->snapshot->pid)
        return ledger_get_header(reader->ledger)->main_thread;
    return slot ? slot->handle : 0;
}

/* 0: not known. The hook saw the wait begin; it is not the time of the last run, which can be later: a signal
 * handler runs, and the wait goes on. */
static uint64_t wait_began(const struct wakes_reader *reader, size_t index, uint64_t address)
{
    struct wake_wait wait;
    uint64_t handle = handle_of(reader, &reader->snapshot->threads[index]);
    uint64_t at = handle + (uint64_t)(int64_t)ledger_get_header(reader->ledger)->wait_offset;
    bool known = handle && snapshot_read_live(reader->snapshot, at, &wait, sizeof(wait));
    return known && wait.object == ~address ? wait.ns : 0;
}

/* Other processes can notify what they share. */
static bool is_private(const struct wakes_reader *reader, uint64_t address)
{
    const struct region *region = address_space_find(&reader->snapshot->space, address);
    return region && !region->shared;
}

static bool read_latest(struct wakes_reader *reader, uint64_t address)
{
    struct latest_wake *latest = &reader->latest;
    if (latest->address == address)
        return true;
    latest->address = address;
    latest->stack = NULL;
    latest->state = read_record(reader, address, &latest->record);
    if (latest->state == NOTIFIED_BY)
        latest->stack = unwind_notifier(reader, &latest->record);
    return latest->state != NOTIFIED_BY || latest->stack;
}

bool wakes_find(struct wakes_reader *reader, size_t index, const struct wait *wait, struct notified *notified,
                const struct stack **stack)
{
    bool is_seen = wait->on == WAIT_CONDVAR || wait->on == WAIT_SEMAPHORE;
    if (!wakes_are_recorded(reader->ledger) || !wait->address || (!is_seen && wait->on != WAIT_FUTEX))
        return true;
    notified->state = NOTIFIED_UNSEEN;
    if (!is_seen)
        return true;
    notified->state = NOTIFIED_UNKNOWN;
    if (!is_private(reader, wait->address))
        return true;
    if (!read_latest(reader, wait->address))
        return false;
    const struct wake *record = &reader->latest.record;
    uint64_t wait_ns = wait_began(reader, index, wait->address);
    if (reader->latest.state == NOTIFIED_NEVER && wait_ns)
        notified->state = NOTIFIED_NEVER;
    if (reader->latest.state != NOTIFIED_BY)
        return true;
    *notified = (struct notified){NOTIFIED_BY, record->serial, record->notifiers, record->ns, wait_ns, NULL};
    *stack = reader->latest.stack;
    return true;
}
