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
 * Each section is an array of records (enum ledger_section).  Records that were never
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

#define LEDGER_MAGIC "THRDLEAK"
#define LEDGER_VERSION 8u
#define LEDGER_BYTE_ORDER 0x01020304u

/* Name of the memfd: /proc/PID/maps shows "/memfd:threadleak (deleted)". */
#define LEDGER_MEMFD_NAME "threadleak"
/* Names in a run's directory: "ledger.PID.N". N begins at 0 and grows by 1 with each exec. */
#define LEDGER_FILE_PREFIX "ledger."
/*
 * The mode of such a file is 0600, or one of these if its process could not use it: the reason. Then the
 * ledger is a memfd, which the run does not see.
 */
enum {
    LEDGER_GAVE_UP_ROOM = 0,      /* the file system has no room */
    LEDGER_GAVE_UP_FILE_SIZE = 1, /* RLIMIT_FSIZE is below the size of the smallest ledger */
    LEDGER_GAVE_UP_MEMORY = 2,    /* RLIMIT_AS is too low */
    LEDGER_GAVE_UP_REASONS
};
/*
 * In the same directory: one record for each exec and posix_spawn, written by one call.
 *
 *     "PID NS KIND"  the directory that a relative path starts from  the path
 *
 * Each of the three ends with a NUL.  NS is a time before the new program started.  PID 0
 * is an unknown pid, of a shell that libc started.  An empty directory is not known, or the
 * path is searched in PATH.  With an empty path the directory is the program.
 *
 * LEDGER_EXECS_LOST in the mode of the file: a record could not be written.
 */
#define LEDGER_EXECS_FILE "execs"
#define LEDGER_EXECS_LOST 0100
enum {
    LEDGER_EXEC_OURS = 'w',   /* the shim and this run are in its environment */
    LEDGER_EXEC_BARE = 'e',   /* LD_PRELOAD does not name the shim */
    LEDGER_EXEC_OTHER = 'o',  /* it does, with another run directory, or with none */
    LEDGER_EXEC_FAILED = 'f', /* the latest exec of the process failed */
};
/* In the environment: the directory of `threadleak run`, as an absolute path. */
#define LEDGER_RUN_ENV "THREADLEAK_RUN_DIR"
/* Bytes of an answer of `threadleak _explain` to the shim, with its NUL. A pipe holds it. */
#define LEDGER_ANSWER_MAX 8192

/*
 * A process that changed its user or root cannot open that directory any more.  It sends a
 * ledger_run_request to `threadleak run`, by a SOCK_SEQPACKET socket in the abstract
 * namespace (unix(7)).  run takes the sender's pid from the kernel (SO_PEERCRED).  The answer is one byte, 1
 * for success, and perhaps a descriptor.
 */
#define LEDGER_RUN_SOCKET_MAX 32
/* Its name, without the leading NUL: "threadleak-" and the directory's FNV-1a hash. */
static inline void ledger_run_socket(char name[LEDGER_RUN_SOCKET_MAX], const char *directory)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *directory; directory++)
        hash = (hash ^ (unsigned char)*directory) * 0x100000001b3ull;
    for (unsigned i = 0; i < 11; i++)
        name[i] = "threadleak-"[i];
    for (unsigned i = 0; i < 16; i++)
        name[11 + i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    name[27] = 0;
}

enum {
    LEDGER_RUN_STACKS = 1, /* save its current stacks: mode "keep" of the reporter */
    LEDGER_RUN_LEDGER = 2, /* a file "ledger.PID.N" */
    LEDGER_RUN_EXECS = 3,  /* LEDGER_EXECS_FILE, for appending */
};
struct ledger_run_request {
    uint32_t what;
};

/* Serial of the main thread.  Created threads have the next ones. */
#define LEDGER_MAIN_SERIAL 1u

/* ---- code addresses ------------------------------------------------------ */

/*
 * A code address that stays valid after the process: module index << 48 | offset from the
 * load bias of the module, as in its ELF file and symbols.  In a backtrace it is the return
 * address itself.  LEDGER_NO_MODULE: the address is in no module (JIT code), and the lower
 * bits are the pc.
 */
typedef uint64_t ledger_pc;
#define LEDGER_NO_MODULE 0xffffu
#define LEDGER_PC_OFFSET_MASK 0x0000ffffffffffffull
static inline uint32_t ledger_pc_module(ledger_pc pc)
{
    return (uint32_t)(pc >> 48);
}
static inline uint64_t ledger_pc_offset(ledger_pc pc)
{
    return pc & LEDGER_PC_OFFSET_MASK;
}

/* ---- thread slots ------------------------------------------------------- */

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
    SLOT_USE = 1u << 16    /* unit of the counter */
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

/*
 * One tracked thread.  `serial` is also the sequence lock of the record.  No serial is used
 * twice.  A writer zeroes it before it reuses a slot, and sets the new one last.  A copy is
 * valid if the serials before and after it are equal and not zero.
 */
struct ledger_slot {
    /* The first cache line is written by the creator and by the thread. */
    _Atomic uint64_t serial; /* 0: free */
    _Atomic uint32_t state;  /* SLOT_* */
    _Atomic int32_t tid;     /* kernel's thread id; 0: not known */
    _Atomic uint64_t handle; /* pthread_t; 0 until known */
    uint64_t start;          /* start routine and argument, for the trampoline */
    uint64_t arg;
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

/* ---- creation sites ------------------------------------------------------ */

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
    _Atomic uint64_t detached;      /* created detached, or detached later */
    _Atomic uint64_t detached_late; /* of these: after their end */
    _Atomic int64_t peak;           /* highest `live` */
    _Atomic uint64_t last_ns;       /* latest creation */
    _Atomic uint64_t join_raw;      /* return address of the latest join of one of its threads */
    _Atomic uint64_t join_pc;       /* ledger_pc of it; 0: never joined */
    /* by the threads themselves */
    _Atomic uint64_t ended_joinable;
    _Atomic uint64_t ended_detached;
    /* rare: by anybody */
    _Atomic uint64_t released;           /* SLOT_RELEASED */
    _Atomic uint32_t failed[FAIL_KINDS]; /* failed creations by error; `created` is without them */
    uint64_t reserved1[2];
};
_Static_assert(sizeof(struct ledger_site) == 192, "site layout is part of the format");

/* ---- modules --------------------------------------------------------------- */

/* An ELF file that contains a frame.  No two have the same path and build-id. */
struct ledger_module {
    uint32_t path;         /* in strings; absolute if possible */
    uint32_t build_id_len; /* bytes; 0: none */
    uint8_t build_id[32];
    uint64_t bias;       /* load bias when it was recorded */
    uint64_t start, end; /* its addresses then */
};
_Static_assert(sizeof(struct ledger_module) == 64, "module layout is part of the format");

/* ---- current stacks ---------------------------------------------------------- */

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

/* ---- tests ----------------------------------------------------------------- */

/*
 * A test that the program named with threadleak_test().  A thread belongs to the test of its creator, or to
 * the running one if its creator belongs to none.  So threads that a leaked thread creates later belong to
 * the test that leaked it.
 *
 * A record is used again when no thread refers to it. It then gets another number, so a reference to the
 * older test finds nothing. The writer zeroes the number first and sets it last, and the hash covers the
 * record.
 */
#define LEDGER_TEST_NAME 512u
struct ledger_test {
    _Atomic uint32_t number; /* uses of the record << LEDGER_TEST_BITS | its index; 0: never in use */
    uint32_t reserved0;
    uint64_t hash;               /* ledger_test_hash() */
    uint64_t began;              /* threads with this serial or a later one began after the test did */
    char name[LEDGER_TEST_NAME]; /* NUL-padded */
};
_Static_assert(sizeof(struct ledger_test) == 536, "test record is part of the format");
#define LEDGER_TEST_BITS 12u

static inline uint32_t ledger_test_index(uint32_t number)
{
    return number & ((1u << LEDGER_TEST_BITS) - 1);
}

static inline uint64_t ledger_test_hash(const struct ledger_test *test, uint32_t number)
{
    uint64_t hash = 0x9e3779b97f4a7c15ull ^ number ^ test->began << 32;
    for (uint32_t i = 0; i < LEDGER_TEST_NAME && test->name[i]; i++)
        hash = (hash ^ (unsigned char)test->name[i]) * 0x100000001b3ull;
    return hash;
}

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

/* The fork that began the process, and threads of the parent that do not exist in it. */
struct ledger_fork {
    int32_t pid;            /* parent; 0: the process began with an exec, or its shim did not see the fork */
    uint32_t missing_count; /* can be above LEDGER_MISSING_MAX */
    uint64_t epoch;         /* ledger_header.epoch of the parent; 0: it had no ledger */
    uint64_t by;            /* serial of the thread that called fork; 0: an untracked one */
    ledger_pc pc;           /* return address of that call; 0: not known */
    uint64_t ns;            /* 0: not known */
#define LEDGER_MISSING_MAX 32u
    uint64_t missing[LEDGER_MISSING_MAX]; /* serials of the parent, ascending */
};

/* A fault of a thread without a slot, after the end of the process began. */
struct ledger_fault {
    _Atomic uint32_t signal; /* 0: none; written last */
    int32_t tid;
    ledger_pc pc;
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
    uint64_t started_wall_ns; /* CLOCK_REALTIME */
    uint32_t exe;             /* in strings: target of /proc/self/exe */
    uint32_t argv, argc;      /* in strings: argc NUL-terminated strings in a row */
    _Atomic uint32_t options; /* in strings: LEDGER_OPTIONS of them in a row; 0: none */
    uint32_t test;            /* in strings: the test that it runs, from its environment; 0: not known */
    _Atomic uint32_t rules;   /* in strings: suppressions that the program registered; 0: none */
    int32_t tid_offset;       /* offset of the tid in glibc's struct pthread; -1: not known */
    _Atomic int32_t end_tid;  /* thread that called exit(); 0: not known */

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
    struct ledger_fork fork;
    struct ledger_failure failure;
    /* In strings: path of the first library in another namespace of the loader (dlmopen), "?" if it is not
     * known; 0: no such namespace was seen. */
    _Atomic uint32_t second_namespace;
    _Atomic uint32_t running_test; /* ledger_test.number of the test that runs now; 0: none is known */
    _Atomic uint64_t lost_tests;   /* tests whose name did not fit */

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
#define LEDGER_HEADER_SIZE 4096u
_Static_assert(sizeof(struct ledger_header) <= LEDGER_HEADER_SIZE, "header fits its page");

static inline uint32_t ledger_used(const struct ledger_header *header, enum ledger_section section)
{
    return (uint32_t)atomic_load(&header->sections[section].used);
}

#endif
