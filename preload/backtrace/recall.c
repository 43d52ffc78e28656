/* See guard.h for the rules of code in this folder. */
#include "preload/backtrace/recall.h"

#include <stdatomic.h>

#include "preload/backtrace/frame_rule.h"

#define RELAXED memory_order_relaxed

enum {
    ENTRIES = 32,
    WORDS = 100,
    LESSONS = 64, /* of one entry: learning costs more than it saves where the callers change all the time */
};

struct word {
    _Atomic uint64_t at, value;
};

/* One backtrace.  Written by whoever made `seq` odd; a reader looks at `seq` again
 * before it believes what it read, an address above all. */
struct recall_entry {
    _Atomic uint32_t seq;
    _Atomic uint32_t site;
    _Atomic uint32_t count; /* of words; 0: seen once */
    _Atomic uint32_t lessons;
    _Atomic uint64_t epoch, generation; /* of the process, of its loaded libraries */
    _Atomic uint64_t pc, cfa, fp;       /* of the hook's caller */
    struct word words[WORDS];           /* in the order in which one proves the next */
};

size_t recall_bytes(void)
{
    return (ENTRIES * sizeof(struct recall_entry) + 4095) & ~4095ul;
}

static struct recall_entry *entry_of(const struct shim_state *state, const struct capture_frame *caller)
{
    uint64_t hash = (caller->cfa ^ caller->pc << 16) * 0x9e3779b97f4a7c15ull;
    return (struct recall_entry *)state->recall + (hash >> 32) % ENTRIES;
}

static bool is_unchanged(struct recall_entry *entry, uint32_t seq)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&entry->seq, RELAXED) == seq;
}

static bool is_about(const struct recall_entry *entry, const struct shim_state *state,
                     const struct capture_frame *caller)
{
    return atomic_load_explicit(&entry->cfa, RELAXED) == caller->cfa &&
           atomic_load_explicit(&entry->pc, RELAXED) == caller->pc &&
           atomic_load_explicit(&entry->fp, RELAXED) == caller->fp &&
           atomic_load_explicit(&entry->epoch, RELAXED) == state->epoch &&
           atomic_load_explicit(&entry->generation, RELAXED) ==
               atomic_load_explicit(&state->header->generation, RELAXED);
}

uint32_t recall_site(struct shim_state *state, const struct capture_frame *caller)
{
    struct recall_entry *entry = entry_of(state, caller);
    uint32_t seq = atomic_load_explicit(&entry->seq, memory_order_acquire);
    uint32_t count = atomic_load_explicit(&entry->count, RELAXED);
    uint32_t site = atomic_load_explicit(&entry->site, RELAXED);
    if (seq & 1 || count == 0 || !is_about(entry, state, caller))
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = atomic_load_explicit(&entry->words[i].at, RELAXED);
        uint64_t value = atomic_load_explicit(&entry->words[i].value, RELAXED);
        if (!is_unchanged(entry, seq) || *(const volatile uint64_t *)at != value)
            return 0;
    }
    return is_unchanged(entry, seq) ? site : 0;
}

/* ---- learning -------------------------------------------------------------------- */

static bool add_word(struct recall_entry *entry, uint32_t *count, uint64_t at, uint64_t value)
{
    if (*count >= WORDS)
        return false;
    atomic_store_explicit(&entry->words[*count].at, at, RELAXED);
    atomic_store_explicit(&entry->words[*count].value, value, RELAXED);
    (*count)++;
    return true;
}

struct lesson {
    struct recall_entry *entry;
    const struct capture_frame *caller;
    const struct capture *capture;
    struct capture_frame last;
    uint32_t frames, words;
    bool proved;
};

/*
 * Recalling believes that where the next frame is follows from what was proved of
 * this one: its pc, stack pointer and frame pointer.  A function that switches stacks
 * may have it from another register, which nobody compares.  Without call-frame
 * information libunwind goes by the frame pointer.
 */
static bool follows(const struct capture_frame *frame, const struct capture_frame *next)
{
    enum frame_rule rule = frame_rule_at(frame->pc);
    bool by_fp = next->cfa == frame->fp + 2 * sizeof(uint64_t) && next->fp_at == frame->fp;
    return rule == FRAME_RULE_PLAIN || (rule == FRAME_RULE_NONE && by_fp);
}

/* From one frame to its caller's.  GCC's realigned frames have a copy of the
 * return address beside the saved frame pointer. */
static bool add_step(struct lesson *lesson, const struct capture_frame *next)
{
    const struct capture_frame *frame = &lesson->last;
    uint64_t return_at = next->cfa - sizeof(uint64_t);
    if (next->is_signal || !follows(frame, next) || next->cfa <= frame->cfa ||
        *(const uint64_t *)return_at != next->pc)
        return false;
    if (next->fp_at != frame->fp_at) {
        uint64_t beside = next->fp_at + sizeof(uint64_t);
        if (next->fp_at < lesson->caller->cfa || beside > return_at)
            return false;
        if (beside != return_at && *(const uint64_t *)beside == next->pc)
            return false;
        if (!add_word(lesson->entry, &lesson->words, next->fp_at, next->fp))
            return false;
    } else if (next->fp != frame->fp) {
        return false;
    }
    return add_word(lesson->entry, &lesson->words, return_at, next->pc);
}

/* The frames must be those of the backtrace. */
static bool take_frame(void *arg, const struct capture_frame *frame)
{
    struct lesson *lesson = arg;
    uint32_t number = lesson->frames++;
    lesson->proved = false;
    if (frame->pc != (uint64_t)lesson->capture->frames[number])
        return false;
    if (number == 0 ? frame->fp != lesson->caller->fp : !add_step(lesson, frame))
        return false;
    lesson->last = *frame;
    lesson->proved = lesson->words > 0 && lesson->frames == lesson->capture->count;
    return lesson->frames < lesson->capture->count;
}

void recall_learn(struct shim_state *state, const struct capture_frame *caller, const struct capture *capture,
                  uint32_t site)
{
    struct recall_entry *entry = entry_of(state, caller);
    uint32_t seq = atomic_load(&entry->seq);
    if (site == 0 || atomic_load_explicit(&entry->lessons, RELAXED) >= LESSONS || seq & 1 ||
        !atomic_compare_exchange_strong(&entry->seq, &seq, seq + 1))
        return;
    bool again = is_about(entry, state, caller) && atomic_load_explicit(&entry->site, RELAXED) == site;
    atomic_store_explicit(&entry->count, 0, RELAXED);
    if (again) {
        atomic_fetch_add(&entry->lessons, 1);
        struct lesson lesson = {.entry = entry, .caller = caller, .capture = capture};
        capture_walk(caller, take_frame, &lesson);
        atomic_store_explicit(&entry->count, lesson.proved ? lesson.words : 0, RELAXED);
    }
    atomic_store_explicit(&entry->cfa, caller->cfa, RELAXED);
    atomic_store_explicit(&entry->pc, caller->pc, RELAXED);
    atomic_store_explicit(&entry->fp, caller->fp, RELAXED);
    atomic_store_explicit(&entry->epoch, state->epoch, RELAXED);
    atomic_store_explicit(&entry->generation, atomic_load(&state->header->generation), RELAXED);
    atomic_store_explicit(&entry->site, site, RELAXED);
    atomic_store_explicit(&entry->seq, seq + 2, memory_order_release);
}
