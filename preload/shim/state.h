/*
 * The state of the shim for this process, this program and this thread.
 *
 * struct shim_state is for one process.  The kernel zeroes its first page in a forked
 * child (MADV_WIPEONFORK).  So a child of any kind of fork finds `ready` 0 and makes a state of its own.  The
 * other pages stay: a hook that was under way at the fork continues with them in the child (start.c).
 * struct shim_tls is in guard.h, struct shim_config in config.h.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_STATE_H
#define THREADLEAK_PRELOAD_SHIM_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/ledger.h"
#include "preload/shim/config.h"
#include "preload/shim/index.h"

enum shim_ready { SHIM_NEW, SHIM_BUSY, SHIM_READY, SHIM_FAILED };

/* What a new thread needs in order to begin. Unlike the ledger it is private memory, which a forked child
 * has, too. Each slot has one, at the same index. */
struct thread_birth {
    uint64_t start, arg;
};

struct shim_state {
    union {
        _Atomic uint32_t ready; /* enum shim_ready */
        char wiped_page[4096];
    };
    uint64_t epoch; /* identifies this process; thread-local state of the parent has another epoch */
    pid_t pid;
    pthread_t maker; /* the thread for which it is SHIM_BUSY */
    size_t size;     /* of the mapping that begins here; 0: static */

    struct ledger_header *header; /* NULL: no ledger yet */
    struct ledger_slot *slots;
    struct ledger_site *sites;
    struct ledger_module *modules;
    ledger_pc *frames;
    char *strings;
    uint64_t *stacks;
    struct ledger_test *tests;
    struct thread_birth *births;
    _Atomic uint32_t backed[SECTIONS]; /* the kernel has memory for records below it */

    struct index *raw;     /* hash of a raw backtrace and the generation -> site */
    struct index *encoded; /* content_hash -> site */

    _Atomic uint64_t unrecorded; /* creations without a ledger: SHIM_FAILED */

    _Atomic uint32_t signal_armed;
    _Atomic uint64_t ending;      /* tid << 8 | enum ledger_end of the end under way; 0: none */
    _Atomic uint32_t parking;     /* at a judged end: other threads must not end the process */
    _Atomic uint32_t parked;      /* a thread is parked, perhaps with locks of libc */
    _Atomic uint32_t dumping;     /* number of dump signals since the current report began */
    _Atomic int32_t quick_status; /* argument of quick_exit */

    _Atomic uint32_t reporting;   /* hold.h: the reporter runs */
    _Atomic uint32_t aborting;    /* hold.h: a thread reports its abort */
    uintptr_t abort_caller;       /* where abort() was called; header->abort.tid is written after it */
    _Atomic uint32_t changing;    /* hold.h: protects dispositions of the program */
    _Atomic uint32_t registering; /* hold.h: protects what follows, and the ledger's rules and options */
    uint32_t options_at;          /* in strings: space for two option texts; 0: none yet */
    uint32_t rules_at;            /* in strings: space for RULES_MAX bytes; 0: none yet */
    uint32_t options_turn;
    uint32_t latest_test;   /* number of the latest named test; 0: none */
    uint32_t test_turn;     /* its record is tried next when the section of tests is full */
    uint32_t latest_reason; /* in strings */
};

extern struct shim_state *shim_state;      /* never NULL */
extern struct shim_state shim_first_state; /* before the first ledger of a process; never SHIM_READY */

/* On a smaller stack the frames of an unwinder might not fit. */
#define SMALL_STACK 131072

#define STATE_BIRTHS (1u << 16) /* slots of the largest ledger */

/* This process will have no state, and no hook has an effect. */
void state_never(void);

/* Makes a state that replaces shim_state and is SHIM_BUSY. False: it was replaced meanwhile. Without memory,
 * or if this process must have none, the new state is SHIM_FAILED. */
bool state_make(struct shim_state *expected, bool wanted);

/* In a forked child: forgets the state of the parent. keep: its memory stays. */
void state_leave(struct shim_state *parent, bool keep);

/* Unmaps births from this slot on. */
void state_give_back(struct shim_state *state, uint32_t slots);

/* The state when this process has a ledger, else NULL. */
static inline struct shim_state *shim_known(void)
{
    struct shim_state *state = shim_state;
    /* Each page that a program without threads touches costs it microseconds. */
    bool ready =
        state != &shim_first_state && atomic_load_explicit(&state->ready, memory_order_acquire) == SHIM_READY;
    return __builtin_expect(ready, 1) ? state : NULL;
}

/* Did this process begin with a fork? Call it once in the first process, too. */
bool shim_is_child(void);

/* In a forked child before state_leave: the pid of the process that its shim knows. getppid
 * would name another process when the parent has ended. */
pid_t shim_pid_before_fork(void);

/* Is this the process that its shim knows, and not a child of vfork? */
bool shim_is_here(void);

/* Is it known that this process uses the memory of another one, as a child of vfork does? Not in a
 * sandbox. */
bool shim_shares_memory(void);

/* May this process have a ledger? With follow=0 a forked child has none. */
bool shim_is_wanted(void);

/* Does the ledger belong to this process, and not to the parent of a vfork child?
 * In a sandbox: yes, without a system call. */
bool shim_is_own_process(const struct shim_state *state);

/* The state when this process, and not a vfork child, has a ledger, else NULL. */
struct shim_state *shim_own(void);

/* The calling thread's tid, without a system call where that is possible. */
int32_t shim_own_tid(void);

static inline uint64_t shim_clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* The coarse clock is some milliseconds late, which is exact enough for ages. It costs a quarter. */
static inline uint64_t shim_coarse_ns(void)
{
    return shim_clock_ns(CLOCK_MONOTONIC_COARSE);
}

#endif
