/* Part of the ledger: current stacks. */
#ifndef THREADLEAK_COMMON_LEDGER_STACK_H
#define THREADLEAK_COMMON_LEDGER_STACK_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/ledger_code.h"

/*
 * Current stacks, each recorded by its thread in the handler of the reserved signal (capture_signal). The
 * main thread has one, too. They are not in `sites`, whose records are never reused: frequent samples would
 * fill that section.
 *
 * A reader sends its request to one thread with rt_tgsigqueueinfo(2): si_code SI_QUEUE, si_value
 * LEDGER_STACK_REQUEST << 32 | generation. The generation is one above that in the section's `used`. The
 * first thread that answers stores the new generation there, with 0 words in use. Each thread reserves words
 * by adding to it. A thread writes nothing if a newer request has begun.
 *
 * A record begins at a multiple of LEDGER_STACK_GRAIN words.  The writer zeroes the
 * stamp first and sets it last, and the hash covers the record.  A reader tries every
 * grain, and takes the records that are whole.
 */
struct ledger_stack {
    _Atomic uint64_t stamp; /* generation << 32 | tid */
    uint32_t frame_count;   /* leaf first; [0] is the exact pc, the others are return addresses */
    uint32_t flags;         /* SITE_* */
    uint64_t hash;          /* ledger_stack_hash() */
    uint64_t serial;        /* of the thread; 0: not known */
    uint64_t taken_ns;
    ledger_pc frames[];
};
_Static_assert(sizeof(struct ledger_stack) == 40, "stack record is part of the format");
#define LEDGER_STACK_GRAIN 8u
#define LEDGER_STACK_DEPTH_MAX 256u /* frames of a record */
#define LEDGER_STACK_REQUEST 0x7448724cu

static inline uint64_t ledger_stack_hash(const struct ledger_stack *stack, uint64_t stamp)
{
    uint64_t words[4] = {stamp, stack->serial, stack->taken_ns,
                         (uint64_t)stack->flags << 32 | stack->frame_count};
    uint64_t hash = 0x9e3779b97f4a7c15ull;
    for (uint32_t i = 0; i < 4 + stack->frame_count; i++) {
        hash = (hash ^ (i < 4 ? words[i] : stack->frames[i - 4])) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    return hash;
}

#endif
