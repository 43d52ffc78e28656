/* Part of the ledger: the record of a tracked thread, and what glibc's descriptor of it proves. */
#ifndef THREADLEAK_COMMON_LEDGER_SLOT_H
#define THREADLEAK_COMMON_LEDGER_SLOT_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/ledger_code.h"

/*
 * Bits of ledger_slot.state.  An atomic operation sets each of them once in the life of a
 * slot.  A failed join clears JOINING.  The slot becomes free with ENDED and JOINED, with
 * ENDED and RELEASED, or with ENDED and DETACHED without JOINING.  The upper half counts
 * the threads that have used the slot, so that the states of two of them differ.
 */
enum {
    SLOT_STARTED = 1u << 0, /* the thread runs: tid and handle are valid */
    /* It was joined or detached, and no hook saw that: glibc has freed its descriptor. */
    SLOT_RELEASED = 1u << 1,
    SLOT_IN_DESCRIPTOR = 1u << 2, /* glibc's descriptor has our start routine and this slot */
    SLOT_ENDED = 1u << 3,         /* its last destructor has returned, or its task does not exist */
    SLOT_DETACHED = 1u << 4,
    SLOT_JOINING = 1u << 5, /* a join of it is under way */
    SLOT_JOINED = 1u << 6,
    SLOT_SMALL_STACK = 1u << 7, /* its stack is too small to unwind on */
    SLOT_IGNORED = 1u << 8,     /* the program asked to ignore it */
    SLOT_LISTED = 1u << 9, /* a check that failed has listed it for the program (threadleak_list_since) */
    /* The thread before got the same argument, a variable on the stack of the creator. It changed between the
     * two creations, before that thread began. */
    SLOT_ARGUMENT_CHANGED = 1u << 10,
    SLOT_EXITING =
        1u << 11,       /* it has called exit(), and is no leak, also if another thread ends the process */
    SLOT_USE = 1u << 16 /* unit of the counter */
};

/* Kinds of thread that count as leaks. */
enum { KIND_RUNNING = 1u << 0, KIND_DETACHED = 1u << 1, KIND_UNJOINED = 1u << 2 };
/* Their names in options, rules and reports, in this order. */
#define KIND_NAMES(NAME) NAME(RUNNING, "running"), NAME(DETACHED, "detached"), NAME(UNJOINED, "unjoined")
#define KIND_ALL (KIND_RUNNING | KIND_DETACHED | KIND_UNJOINED)

/* The kind for a ledger_slot.state; 0: the thread was joined, or ended detached. */
static inline unsigned ledger_slot_kind(uint32_t state)
{
    if (state & (SLOT_JOINED | SLOT_RELEASED))
        return 0;
    if (state & SLOT_ENDED)
        return state & SLOT_DETACHED ? 0 : KIND_UNJOINED;
    return state & SLOT_DETACHED ? KIND_DETACHED : KIND_RUNNING;
}

/* Has such a thread ended, and was it joined or detached? Then its slot is free. */
static inline int ledger_is_over(uint32_t state)
{
    int released =
        state & (SLOT_JOINED | SLOT_RELEASED) || (state & SLOT_DETACHED && !(state & SLOT_JOINING));
    return released && state & SLOT_ENDED;
}

/*
 * One tracked thread.  `serial` is also the sequence lock of the record.  No serial is used
 * twice.  A writer zeroes it before it reuses a slot, and sets the new one last.  A copy is
 * valid if the serials before and after it are equal and not zero.  A free slot keeps the record
 * of its last thread, with its serial in `arg`, until it is used again: `state` is written first then.
 */
struct ledger_slot {
    /* The first cache line is written by the creator and by the thread. */
    _Atomic uint64_t serial; /* 0: free */
    _Atomic uint32_t state;  /* SLOT_* */
    _Atomic int32_t tid;     /* kernel's thread id; 0: not known */
    _Atomic uint64_t handle; /* pthread_t; 0 until known */
    /* When a join of it had returned. 0: it was not joined. */
    _Atomic uint64_t joined_ns;
    uint64_t arg; /* argument of the start routine; in a free slot the serial of the thread that had it */
    _Atomic uint64_t ended_ns; /* 0 until then */
    uint32_t site;             /* index into sites */
    _Atomic uint32_t name_seq; /* odd while name is written; 0: never named */
    uint64_t created_ns;
    /* The second one is written by the creator. */
    ledger_pc start_pc;         /* start routine as module + offset */
    uint64_t created_by;        /* serial of the creator; 0: an untracked thread */
    _Atomic uint64_t name[2];   /* as pthread_setname_np gave it, NUL-padded */
    _Atomic uint32_t next_free; /* slot index + 1 */
    _Atomic uint32_t reason;    /* in strings: reason of SLOT_IGNORED; 0: none */
    uint32_t test;              /* ledger_test.number of the test in which it was created; 0: none */
    /* The final sample, from /proc at the end of the process, of live threads. */
    _Atomic uint16_t sample_state; /* state letter of /proc/PID/task/TID/stat; 0: no sample */
    /* A fault after the end of the process began. The pc is written first. */
    _Atomic uint16_t fault_signal;  /* 0: none */
    _Atomic uint64_t sample_cpu_ns; /* user + system time; valid with sample_state */
    _Atomic uint64_t fault_pc;      /* a ledger_pc */
};
_Static_assert(sizeof(struct ledger_slot) == 128, "slot layout is part of the format");

/*
 * Words of glibc's descriptor of a thread, which its handle points to.  They show what no hook
 * saw.  The kernel clears `tid` when the task ends (CLONE_CHILD_CLEARTID).  pthread_join sets it
 * to -1, and then glibc keeps the descriptor for a new thread.  One of the first two words is
 * the descriptor itself if the thread is detached (joinid): its place depends on the version.
 */
enum { DESCRIPTOR_START = 4, DESCRIPTOR_ARG = 5, DESCRIPTOR_WORDS = 6 };
struct ledger_descriptor {
    int32_t tid;
    uint64_t words[DESCRIPTOR_WORDS]; /* [DESCRIPTOR_START] is the start routine, then its argument */
};

static inline uint32_t ledger_gone(uint32_t state)
{
    return SLOT_ENDED | (state & SLOT_DETACHED ? 0u : (uint32_t)SLOT_RELEASED);
}

/* The SLOT_* that the descriptor of a slot proves, which can be known already. first, end: addresses of
 * births that the argument can be. */
static inline uint32_t ledger_proved(const struct ledger_descriptor *now, const struct ledger_slot *slot,
                                     uint32_t state, uint64_t first, uint64_t end)
{
    uint64_t arg = now->words[DESCRIPTOR_ARG], handle = slot->handle;
    if ((now->tid != 0 && now->tid != slot->tid) ||
        (state & SLOT_IN_DESCRIPTOR && (arg < first || arg >= end)))
        return ledger_gone(state);
    return (now->tid == 0 ? (uint32_t)SLOT_ENDED : 0u) |
           (now->words[0] == handle || now->words[1] == handle ? (uint32_t)SLOT_DETACHED : 0u);
}

/* Can a descriptor prove something about a slot in this state? */
static inline int ledger_is_provable(uint32_t state)
{
    return state & SLOT_STARTED && !(state & (SLOT_JOINED | SLOT_RELEASED | SLOT_JOINING));
}

#endif
