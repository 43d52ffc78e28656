/*
 * The ledger: the table that the shim in a watched program (preload/) writes, and that the
 * threadleak program (src/, cli/) reads.
 *
 * It is a shared memory mapping of fixed-width records: a memfd whose descriptor is closed
 * at once, or a file in the private directory of `threadleak run`.  Only the shim writes
 * it.  A reader maps the file, or copies the mapping of a live process.  It must treat
 * everything as hostile.
 *
 *     header | slots | sites | stacks | tests | frames | modules | strings
 *
 * Each section is an array of records (enum ledger_section), which the other headers of that name
 * define.  Records that were never
 * in use must not be read, because that allocates memory in the watched program.
 *
 * Integers are in the byte order of the machine.  Times are CLOCK_MONOTONIC nanoseconds,
 * if their name is not of another clock.
 *
 * Increase LEDGER_VERSION when the size, offset or meaning of a field changes.  A reader
 * refuses other versions, since shim and reader are installed together.
 */
#ifndef THREADLEAK_COMMON_LEDGER_H
#define THREADLEAK_COMMON_LEDGER_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/ledger_code.h"
#include "common/ledger_site.h"
#include "common/ledger_slot.h"
#include "common/ledger_stack.h"
#include "common/ledger_test.h"

#define LEDGER_MAGIC "THRDLEAK"
#define LEDGER_VERSION 8u
#define LEDGER_BYTE_ORDER 0x01020304u

/* Name of the memfd: /proc/PID/maps shows "/memfd:threadleak (deleted)". */
#define LEDGER_MEMFD_NAME "threadleak"
/* Serial of the main thread.  Created threads have the next ones. */
#define LEDGER_MAIN_SERIAL 1u

/* ---- sections ---------------------------------------------------------------- */

/*
 * In the order in which a reader copies them: the records of each section refer to records of later ones. A
 * writer writes a record after the records that it refers to.
 */
enum ledger_section {
    SECTION_SLOTS,
    SECTION_SITES,
    SECTION_STACKS, /* current stacks; its records are words */
    SECTION_TESTS,
    SECTION_FRAMES,
    SECTION_MODULES,
    SECTION_STRINGS, /* bytes */
    SECTIONS
};

static inline uint32_t ledger_record_size(enum ledger_section section)
{
    static const uint32_t sizes[SECTIONS] = {
        [SECTION_SLOTS] = sizeof(struct ledger_slot),
        [SECTION_SITES] = sizeof(struct ledger_site),
        [SECTION_STACKS] = sizeof(uint64_t),
        [SECTION_TESTS] = sizeof(struct ledger_test),
        [SECTION_FRAMES] = sizeof(ledger_pc),
        [SECTION_MODULES] = sizeof(struct ledger_module),
        [SECTION_STRINGS] = 1,
    };
    return sizes[section];
}

struct ledger_extent {
    uint64_t offset; /* from the header */
    uint32_t record_size, cap;
    /* Records that have ever been in use.  For stacks these are the lower 32 bits, and
     * the upper ones are the generation of the latest request. */
    _Atomic uint64_t used;
};

/* ---- header ------------------------------------------------------------------ */

enum ledger_end {
    LEDGER_END_NONE, /* alive, or killed */
    LEDGER_END_EXIT,
    LEDGER_END__EXIT,
    LEDGER_END_QUICK_EXIT,
    LEDGER_END_EXEC,
};

struct ledger_untracked {
    int32_t tid;
    char name[16]; /* NUL-terminated */
};

#define LEDGER_UNTRACKED_MAX 64

/* The latest failed creation. `seq` is its sequence lock: odd while it is written; 0: none. */
struct ledger_failure {
    _Atomic uint32_t seq;
    uint32_t error;    /* enum ledger_fail */
    uint32_t site;     /* index into sites */
    uint32_t threads;  /* tasks of the process then; 0: not known */
    uint32_t unjoined; /* of the tracked threads: ended, but neither joined nor detached */
    uint32_t reserved0;
    uint64_t created_by; /* serial of the creator; 0: an untracked thread */
    uint64_t ns;
};

/*
 * Calls that failed because the thread cannot be joined or detached any more. `kind` is written last. Calls
 * of one kind at one place are one record.
 */
#define LEDGER_MISUSES 8u
enum ledger_misuse_kind {
    MISUSE_NONE,
    MISUSE_JOIN_SELF,
    MISUSE_JOIN_DETACHED,
    MISUSE_JOIN_OVER, /* it had ended, and was joined or detached before */
    MISUSE_DETACH_DETACHED,
    MISUSE_DETACH_OVER,
    MISUSE_KINDS
};
struct ledger_misuse {
    _Atomic uint32_t kind;  /* enum ledger_misuse_kind */
    _Atomic uint32_t count; /* of calls */
    _Atomic uint64_t raw;   /* return address of the call; 0: the record is free */
    ledger_pc at;           /* the same */
    uint64_t serial;        /* of the thread; 0: not known */
    uint64_t by;            /* serial of the caller; 0: untracked */
    uint32_t site;          /* of the thread, index into sites; 0: not known */
    uint32_t state;         /* SLOT_* of the thread before the call; 0: not known */
};

/* The fork that began the process, and threads of the parent that do not exist in it. */
struct ledger_fork {
    int32_t pid;            /* parent; 0: the process began with an exec, or its shim did not see the fork */
    uint32_t missing_count; /* can be above LEDGER_MISSING_MAX */
    uint64_t epoch;         /* ledger_header.epoch of the parent; 0: it had no ledger */
    uint64_t by;            /* serial of the thread that called fork; 0: an untracked one */
    ledger_pc pc;           /* return address of that call; 0: not known */
    uint64_t ns;            /* 0: not known */
#define LEDGER_MISSING_MAX 32u
    uint64_t missing[LEDGER_MISSING_MAX]; /* serials of the parent, in any order */
};

/* A fault of a thread without a slot, after the end of the process began. */
struct ledger_fault {
    _Atomic uint32_t signal; /* 0: none; written last */
    int32_t tid;
    ledger_pc pc;
};

/* The first call of abort(), or failed assertion, while a thread was alive or unjoined. A handler of the
 * program may have continued. */
enum ledger_abort_call { ABORT_NONE, ABORT_CALL, ABORT_ASSERT };
struct ledger_abort {
    _Atomic int32_t tid;      /* of the thread; 0: none; written last */
    uint32_t call;            /* enum ledger_abort_call */
    _Atomic uint32_t ongoing; /* 1: it is being reported, and libc has not been called yet */
    _Atomic uint32_t ended;   /* 1: its handler ended the process as the header's `end` says */
    ledger_pc at;             /* return address of the call */
    uint64_t by;              /* serial; 0: untracked */
    uint64_t ns;
};

/* Free slots. Threads use several lists, so that they write different cache lines. */
#define LEDGER_FREE_LISTS 16u
struct ledger_free_list {
    _Alignas(64) _Atomic uint64_t head; /* tag << 32 | slot index + 1 */
};

enum {
    LEDGER_FORKED = 1u << 0,  /* the process began with a fork, not with an exec */
    LEDGER_SAMPLED = 1u << 1, /* there is a final sample: sample_*, untracked */
    LEDGER_UNDER_RUN = 1u << 2,
    /* The program is in a sandbox, which can kill it for a system call of a handler. */
    LEDGER_SANDBOXED = 1u << 3,
    /* Under run: its current stacks could not be saved at its end … */
    LEDGER_UNSEEN = 1u << 4,
    LEDGER_UNSEEN_SANDBOX = 1u << 5,  /* … because it is in a sandbox */
    LEDGER_FORKS = 1u << 6,           /* it has forked: a child may not have a ledger yet */
    LEDGER_UNSEEN_VALGRIND = 1u << 7, /* … because valgrind runs it */
    /* Under run: the file of the run had no space for the ledger, so `run` cannot read it. */
    LEDGER_NOT_IN_RUN = 1u << 8,
    /* A section could not grow to its cap: no room in the file system, or no memory. */
    LEDGER_NO_ROOM = 1u << 9,
    /* `threadleak attach` writes it: threads that are older than attached_wall_ns are not tracked. */
    LEDGER_ATTACHED = 1u << 10,
};

/* Parts of the options.  Each has priority over those before it. */
enum ledger_options {
    LEDGER_OPTIONS_DEFAULT,     /* defaults of the program */
    LEDGER_OPTIONS_ENVIRONMENT, /* THREADLEAK_OPTIONS */
    LEDGER_OPTIONS_SET,         /* set by the program while it ran */
    LEDGER_OPTIONS
};

struct ledger_header {
    char magic[8];
    uint32_t byte_order;
    uint32_t version;
    uint32_t header_size;
    _Atomic uint32_t generation; /* +1 with every dlclose */
    uint64_t total_size;         /* bytes of the whole mapping */
    struct ledger_extent sections[SECTIONS];

    /* the process: valid once `ready` is 1 */
    _Atomic uint32_t ready;
    int32_t pid, ppid;
    _Atomic uint32_t flags; /* LEDGER_* */
    uint64_t started_ns;
    uint64_t started_wall_ns;  /* CLOCK_REALTIME */
    uint64_t attached_wall_ns; /* LEDGER_ATTACHED: the same, of when it began; else 0 */
    uint32_t exe;              /* in strings: target of /proc/self/exe */
    uint32_t argv, argc;       /* in strings: argc NUL-terminated strings in a row */
    _Atomic uint32_t options;  /* in strings: LEDGER_OPTIONS of them in a row; 0: none */
    uint32_t test_variables;   /* in strings: test_variables.h; 0: none is set */
    _Atomic uint32_t rules;    /* in strings: suppressions that the program registered; 0: none */
    int32_t tid_offset;        /* offset of the tid in glibc's struct pthread; -1: not known */
    _Atomic int32_t end_tid;   /* thread that called exit(); 0: not known */

    /* its end: status and serial are written before `end` */
    _Atomic uint32_t end;        /* enum ledger_end */
    _Atomic int32_t end_status;  /* argument of exit; exec: 0; LEDGER_STATUS_UNKNOWN: a sanitizer chose it */
    _Atomic uint64_t end_serial; /* serial of that thread, which is never a leak; 0: not known */
    _Atomic uint64_t end_ns;
    _Atomic uint32_t end_judged;      /* 1: live and unjoined threads are leaks */
    _Atomic uint32_t untracked_count; /* can be above LEDGER_UNTRACKED_MAX */

    _Atomic uint32_t capture_signal; /* reserved by the shim; 0: none, or the program uses it now */
    int32_t seccomp;                 /* PR_GET_SECCOMP when the ledger began; below 0: not known */

    /* When exit(), or another end that is judged, began. A process can end by other means before `end`. */
    _Atomic uint32_t end_began; /* enum ledger_end */
    int32_t start_offset;       /* offset of the start routine in glibc's struct pthread; -1: not known */
    _Atomic uint64_t end_began_ns;
    struct ledger_fault fault;
    uint64_t epoch;   /* identifies the process and this ledger */
    uint64_t address; /* of the ledger in the process */
    /* Addresses in the process: trampolines get one of them as argument (struct thread_birth in state.h). */
    uint64_t births, births_end;
    /* The latest memory of LEDGER_OWN_STACK bytes that the shim ran on: the end of the process does; 0: none.
     */
    _Atomic uint64_t own_stack;
    /* The shim's variables of each thread: where they begin, from its pthread_t, and how many bytes they are.
     */
    int64_t own_tls;
    uint64_t own_tls_size;
    /* wakes.h: address of the table in the process; 0: wakes=0. wait_offset: from a pthread_t to the struct
     * wake_wait of that thread. main_thread: its pthread_t; 0: not known. */
    uint64_t wakes, main_thread;
    int32_t wait_offset;
    _Atomic uint32_t handled_faults; /* bit N - 1: the program had a handler for the fault N at its end */
    struct ledger_fork fork;
    struct ledger_failure failure;
    struct ledger_misuse misuses[LEDGER_MISUSES];
    /* In strings: path of the first library in another namespace of the loader (dlmopen), "?" if it is not
     * known; 0: no such namespace was seen. */
    _Atomic uint32_t second_namespace;
    _Atomic uint32_t running_test; /* ledger_test.number of the test that runs now; 0: none is known */
    _Atomic uint64_t lost_tests;   /* tests whose name did not fit */
    _Atomic uint64_t unloads;      /* calls of dlclose that may have unloaded a library */
    _Atomic ledger_pc unloaded_at; /* return address of the latest; 0: none */
    _Atomic uint32_t dump_signal;  /* for which the shim has a handler; 0: none */
    struct ledger_abort abort;

    /* Counters of the process.  The others are sums over sites.
     * live = next_serial - 2 - dropped - their ended_joinable - their ended_detached, without
     * the main thread. */
    _Alignas(64) _Atomic uint64_t next_serial; /* by creators and joiners */
    _Atomic uint64_t dropped;                  /* serials of creations that failed */
    _Atomic uint64_t over;                     /* threads that have ended, and were joined or detached */
    _Atomic uint64_t lost_events; /* creations without a record: a section was full or could not grow */
    _Atomic uint64_t lost_places; /* creations whose site did not fit: that of index 0 */
    _Atomic int64_t peak;         /* highest `live` */
    _Alignas(64) struct ledger_untracked untracked[LEDGER_UNTRACKED_MAX];
    struct ledger_free_list free[LEDGER_FREE_LISTS];
};
#define LEDGER_STATUS_UNKNOWN INT32_MIN
#define LEDGER_OWN_STACK (1ul << 18)
#define LEDGER_HEADER_SIZE 4096u
_Static_assert(sizeof(struct ledger_header) <= LEDGER_HEADER_SIZE, "header fits its page");

static inline uint32_t ledger_used(const struct ledger_header *header, enum ledger_section section)
{
    return (uint32_t)atomic_load(&header->sections[section].used);
}

#endif
