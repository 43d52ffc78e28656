/*
 * Finds what each thread of a snapshot waits for. It uses the thread's system call with its arguments, the
 * functions on its stack, and memory at the time of the stop.
 *
 * It uses private layouts of glibc (nptl/, sysdeps/nptl/bits/) only for versions that have these layouts.
 * With another glibc, facts that depend on them are unknown.
 */
#ifndef THREADLEAK_WAIT_WAIT_H
#define THREADLEAK_WAIT_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"
#include "proc/tasks.h"
#include "snapshot/snapshot.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

/* WAIT_MUTEX …, from kinds.def. */
enum wait_on {
    WAIT_NONE, /* it runs, or its wait is unknown */
#define WAIT_KIND(on, name, timeout) WAIT_##on,
#include "wait/kinds.def"
    WAIT_KINDS
};
/* "mutex" …; NULL for WAIT_NONE. */
const char *wait_on_name(enum wait_on on);

/* Where an object is. */
enum object_place {
    PLACE_UNKNOWN, /* or not mapped */
    PLACE_SYMBOL,  /* a variable, or a lock of libc or of the loader */
    PLACE_HEAP,    /* malloc's */
    PLACE_STACK,   /* of a thread */
    PLACE_ANONYMOUS,
    PLACE_MODULE, /* data without a symbol */
    PLACE_FILE,   /* another file that is mapped, or anonymous shared memory */
};

enum wait_timeout { WAIT_TIMEOUT_UNKNOWN, WAIT_TIMEOUT_NO, WAIT_TIMEOUT_YES };

struct wait {
    enum wait_on on;
    bool running;       /* on a CPU, or ready to */
    bool in_destructor; /* destructor of a thread-specific or thread_local object, at the thread's
                           end */
    uint64_t address;   /* of the object; 0: none, or unknown */
    enum object_place place;
    char *symbol;        /* its name: "queue_lock", "pool+0x18", "heap", "stack of T3"; NULL: unknown */
    pid_t owner;         /* tid of the thread that holds it or is joined; 0: none, or unknown */
    bool owner_ended;    /* that thread has ended, or never existed in this process */
    pid_t owner_process; /* the parent process, in which alone the owner exists; 0: no such case */
    bool owner_may_have_forked; /* owner_ended, but it may be the thread that called fork: the main thread */
    bool owner_inferred;        /* from stacks; false: it is stored in the object */
    bool shared;                /* processes share the object, so the owner may be in another one */
    int object_length;          /* of the part of `what` before the owner; 0: there is no such part */
    char kind[40];              /* of a mutex: "robust recursive"; "" normal, or unknown */
    uint64_t mutex;             /* mutex of a condition variable's wait; 0: unknown */
    char *mutex_symbol;         /* the mutex's name */
    int fd;                     /* the descriptor it waits for; < 0: none */
    enum wait_timeout timeout;
    double left_s; /* seconds until the timeout; < 0: unknown or none */
    char *what;    /* the text without the time that is left: equal for equal waits */
    char *text;    /* "mutex queue_lock, held by T5 \"flusher\""; never NULL unless WAIT_NONE */
};

/* Writes how a report names a thread: "T5 \"flusher\"".  False: the report has no name for it,
 * and "tid 4247" is used. */
typedef bool wait_name_fn(void *arg, pid_t tid, char *to, size_t size);

/*
 * The descriptors that the threads' calls use. Call it while the process is stopped
 * (snapshot_options.while_stopped). NULL: out of memory.
 */
struct files *wait_files_read(const struct snapshot *snapshot);
void wait_files_free(struct files *files);

/* Sets left_s, and the time in the text. False: out of memory, and nothing is changed. */
bool wait_set_left(struct wait *wait, double left_s);

struct wait_context {
    const struct snapshot *snapshot;
    const struct unwinder *unwinder;
    struct symbolizer *symbolizer;
    wait_name_fn *name; /* may be NULL */
    void *name_arg;
    struct files *files;           /* of wait_files_read; NULL: not read yet. waits_free frees it */
    const struct task_list *tasks; /* how long each thread has not run; may be NULL or empty */
    uint64_t moment_ns;            /* left_s is of that, on its CLOCK_MONOTONIC; 0: of now */
    const char *glibc;             /* version that the process runs, "2.36"; NULL: search for it */
    /* The fork that began the process. The thread that called it is the main thread of the child, but locks
     * that it held have its tid in the parent as their owner. */
    enum wait_fork { WAIT_FORK_UNKNOWN, WAIT_FORK_NONE, WAIT_FORK_SEEN } fork;
    pid_t forked_by; /* that tid; 0: unknown */
};

struct waits;

/* The waits of all threads of the snapshot. NULL: out of memory; context->files is freed. */
struct waits *waits_new(const struct wait_context *context, struct error *error);
void waits_free(struct waits *waits);
/* The wait of a thread, by index of snapshot.threads. Never NULL; `waits` owns it. */
const struct wait *wait_of(const struct waits *waits, size_t index);
/* The variable that contains an address, "pool+0x18", or else "libx.so+0x4010"; NULL: neither, or out of
 * memory. `waits` owns it. */
const char *wait_variable(struct waits *waits, uint64_t address);
/* What an address outside of variables is in: "the heap", "shared memory", "/dev/shm/queue", or "memory of
 * mmap". `waits` owns it. */
const char *wait_memory(struct waits *waits, uint64_t address);

#endif
