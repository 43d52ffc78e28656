/* Part of the ledger: creation sites. */
#ifndef THREADLEAK_COMMON_LEDGER_SITE_H
#define THREADLEAK_COMMON_LEDGER_SITE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/ledger_code.h"

/* Errors of failed creations, with their names in reports. thrd_create does not return the reason of
 * thrd_error. */
#define FAIL_ERRORS(ERROR)    \
    ERROR(EAGAIN, "EAGAIN")   \
    ERROR(ENOMEM, "ENOMEM")   \
    ERROR(EINVAL, "EINVAL")   \
    ERROR(EPERM, "EPERM")     \
    ERROR(THRD, "thrd_error") \
    ERROR(OTHER, "other error")
#define FAIL_ENUM(error, name) FAIL_##error,
enum ledger_fail { FAIL_ERRORS(FAIL_ENUM) FAIL_KINDS };
#undef FAIL_ENUM

/* Of the result of pthread_create. */
static inline enum ledger_fail ledger_fail_of(int error)
{
    switch (error) {
    case EAGAIN:
        return FAIL_EAGAIN;
    case ENOMEM:
        return FAIL_ENOMEM;
    case EINVAL:
        return FAIL_EINVAL;
    case EPERM:
        return FAIL_EPERM;
    default:
        return FAIL_OTHER;
    }
}

#define LEDGER_JOIN_PLACES 4u /* of a site */

/* After dlclose, another library can have code at the same address. */
static inline uint64_t ledger_call_raw(uint64_t address, uint32_t generation)
{
    return address ^ (uint64_t)generation << 48;
}

enum {
    SITE_TRUNCATED = 1u << 0,  /* deeper than `depth`, or only the caller was captured */
    SITE_NO_UNWINDER = 1u << 1 /* without libunwind there is only the caller */
};

/*
 * One distinct creation backtrace and start routine. A site is never reused. Index 0 has no frames: it is the
 * site of threads whose own site did not fit. After a race two sites can be equal, and a reader merges them.
 *
 *     live     = created - ended_joinable - ended_detached
 *     unjoined = ended_joinable - joined - detached_late - released
 *
 * Different threads write the three parts, so each has its own cache line.  A reader can
 * see half of a change.  For that moment a difference can be wrong, and below zero.
 */
struct ledger_site {
    uint64_t frames;       /* index of its first entry in frames */
    uint32_t frame_count;  /* leaf first; [0] is the caller of pthread_create */
    uint32_t flags;        /* SITE_* */
    uint64_t content_hash; /* over the entries of frames and start_pc */
    uint64_t start;        /* start routine */
    ledger_pc start_pc;    /* the same, encoded */
    uint64_t reserved0[3];
    /* by creators and joiners */
    _Atomic uint64_t created; /* succeeded */
    _Atomic uint64_t joined;
    _Atomic uint64_t detached;                      /* created detached, or detached later */
    _Atomic uint64_t detached_late;                 /* of these: after their end */
    _Atomic int64_t peak;                           /* highest `live` */
    _Atomic uint64_t last_ns;                       /* latest creation */
    _Atomic uint32_t joined_at[LEDGER_JOIN_PLACES]; /* of `joined`: at each join place */
    /* by the threads themselves */
    _Atomic uint64_t ended_joinable;
    _Atomic uint64_t ended_detached;
    /* rare: by anybody */
    _Atomic uint64_t released;           /* SLOT_RELEASED */
    _Atomic uint32_t failed[FAIL_KINDS]; /* failed creations by error; `created` is without them */
    uint64_t reserved1;
    _Atomic uint64_t detach_pc; /* return address of the first detach; 0: none, or not yet written */
    /* The places where its threads were joined, in the order of their first join. Two can be equal. There is
     * no place for joins at further ones. */
    _Atomic uint64_t join_raw[LEDGER_JOIN_PLACES]; /* return address, by ledger_call_raw() */
    _Atomic uint64_t join_pc[LEDGER_JOIN_PLACES];  /* ledger_pc of it; 0: none, or not yet written */
};
_Static_assert(sizeof(struct ledger_site) == 256, "site layout is part of the format");

#endif
