/*
 * The shim's state.  What belongs to one process lies in struct shim_state, on
 * memory that the kernel zeroes in a forked child (MADV_WIPEONFORK): whatever
 * kind of fork it was, the child finds `ready` 0 and can not write into its
 * parent's ledger.  What holds for children too (options, paths) is in
 * struct shim_config.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_SHIM_H
#define THREADLEAK_PRELOAD_SHIM_SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>
#include <time.h>

#include "preload/ledger/index.h"
#include "common/ledger.h"
#include "common/options.h"
#include "preload/shim/test_name.h"

enum shim_ready { SHIM_NEW, SHIM_BUSY, SHIM_READY, SHIM_FAILED };

/* Sections of the ledger that grow. */
enum section {
    SECTION_SLOTS,
    SECTION_SITES,
    SECTION_MODULES,
    SECTION_FRAMES,
    SECTION_STRINGS,
    SECTION_PRESENT,
    SECTIONS
};

struct shim_state {
    _Atomic uint32_t ready; /* enum shim_ready */
    uint64_t epoch;         /* of this process; tells a fork's stale thread-local state */
    pid_t pid;

    struct ledger_header *header;
    struct ledger_slot *slots;
    struct ledger_site *sites;
    struct ledger_module *modules;
    ledger_pc *frames;
    char *strings;
    uint64_t *present;
    _Atomic uint32_t backed[SECTIONS]; /* records below this have memory behind them */

    struct index raw;     /* hash of a raw backtrace and the generation -> site */
    struct index settled; /* content_hash -> site */

    _Atomic uint32_t signal_armed;
    _Atomic uint64_t finishing;   /* tid << 8 | enum ledger_end of the end under way; 0: none */
    _Atomic uint32_t parking;     /* at a judged end: other threads that would end the process wait */
    _Atomic uint32_t dumping;     /* how many have asked for a report that is not finished */
    _Atomic int32_t quick_status; /* as given to quick_exit */

    _Atomic uint32_t reporting; /* hold.h: the reporter is at work */
    _Atomic uint32_t settling;  /* hold.h: of what follows, and of the ledger's rules and options */
    uint32_t options_at;        /* in strings: room for two option texts; 0: none yet */
    uint32_t rules_at;          /* there: room for RULES_MAX bytes; 0: none yet */
    uint32_t names_at;          /* there: room for TEST_NAMES names; 0: none yet */
    uint32_t options_turn, names_turn;
    uint32_t latest_reason; /* there */
};

enum { SANDBOX_NONE, SANDBOX_MAYBE, SANDBOX_SURE };
#define REPORTER_PLACES 3
#define OPTIONS_TEXT_MAX (LEDGER_OPTIONS * OPTIONS_PART_MAX)
#define RULES_MAX 16384 /* bytes of what a program brings */

struct shim_config {
    struct options options;
    char options_text[OPTIONS_TEXT_MAX]; /* LEDGER_OPTIONS strings in a row, as the ledger has them */
    uint32_t options_size;
    const char *rules;                   /* that the program brought; NULL: none */
    char run_dir[256];                   /* "": not under `threadleak run` */
    char test[TEST_NAME_MAX];            /* that the program runs, see test_name.h; "": not known */
    char reporter[REPORTER_PLACES][512]; /* where threadleak may be, in this order */
    int present_signal;                  /* reserved for present.c; 0: none yet */
    pthread_key_t key;                   /* its destructor sees the end of a thread */
    bool has_key;
    int32_t tid_offset;      /* in glibc's struct pthread; -1: not known */
    int32_t start_offset;    /* there: start routine, followed by its argument; -1: not known */
    int32_t tls_offset;      /* from a pthread_t to that thread's shim_tls */
    uint64_t trampolines[2]; /* what we give as start routines */
    char exe[512];           /* target of /proc/self/exe, from before any chroot; "": not known */
    /* The program put itself, or a parent of a fork, into a sandbox since: a
     * system call that its filter does not know of may be its death.
     * SANDBOX_MAYBE after PR_SET_NO_NEW_PRIVS, which must precede a filter. */
    _Atomic int sandboxed;
    /* pthread_setattr_default_np, RLIMIT_STACK */
    _Atomic bool default_detached, default_small;
    bool no_reporter; /* under valgrind, which does not know the clone() of ours */
    bool had_stderr;  /* and what it was: */
    uint64_t stderr_device, stderr_inode;
};

extern struct shim_state *shim_state; /* never NULL after shim_start */
extern struct shim_config shim_config;

/* Below this an unwinder's own frames might not fit beside the program's. */
#define SMALL_STACK 131072

/* hook_thread.c: the addresses of its two trampolines. */
void hook_trampolines(uint64_t out[2]);

/* Once per program: options, real functions, unwinder, exit handlers. */
void shim_start(void);

/* The state when this process has a ledger, else NULL; makes one when it is
 * the first call of the process. */
struct shim_state *shim_attach(void);

/* The state when this process has a ledger already, else NULL. */
static inline struct shim_state *shim_known(void)
{
    struct shim_state *state = shim_state;
    bool ready = state && atomic_load_explicit(&state->ready, memory_order_acquire) == SHIM_READY;
    return __builtin_expect(ready, 1) ? state : NULL;
}

/* The same, but makes one: for hooks that have something to record.  The others
 * stay out of the way of constructors that run before ours. */
static inline struct shim_state *shim_ready(void)
{
    struct shim_state *state = shim_known();
    return __builtin_expect(state != NULL, 1) ? state : shim_attach();
}

/* Is this process meant to have a ledger?  follow=0: not a forked child. */
bool shim_is_wanted(void);

/* Is this the process the ledger belongs to, and not a vfork child on its memory?
 * In a sandbox that is not asked, and taken to be so. */
bool shim_is_own_process(const struct shim_state *state);

/* The calling thread's tid, without a system call where that is possible. */
int32_t shim_own_tid(void);

/* CLOCK_MONOTONIC, some milliseconds behind: ages need no more, and it costs a
 * quarter of the exact clock. */
static inline uint64_t shim_coarse_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Writes all of it, without raising SIGPIPE or SIGXFSZ. */
void shim_write(int fd, const char *text, size_t n);
/* At the start: what standard error is. */
void shim_remember_stderr(void);
/* False when descriptor 2 is by now something else of the program's: a data file
 * or a connection that was opened after standard error was closed. */
bool shim_stderr_is_safe(void);

/* One warning or notice line, on standard error. */
void shim_say(const char *line);

#endif
