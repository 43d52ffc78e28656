/*
 * Which threads of a stopped process can never run again: nothing that can still run holds a reference to
 * what they wait for. This is the marking of a garbage collector, with threads as objects.
 *
 * Collecting (reach_collect) copies, while the process is stopped, its writable memory and what the kernel
 * keeps for it. Judging (reach_judge) marks in that copy. It calls no system.
 *
 * Roots are: writable data of all modules, shared memory, memory of other allocators; what the kernel keeps
 * (data of epoll, values of timers and pending signals, bytes in pipes, sockets and open files); and of
 * each thread that can run its registers, stack, thread-local storage and descriptor. A word is a reference
 * to an object if its lower 48 bits are an address in the object, at any byte offset; also if that is so
 * after glibc's pointer mangling is removed. Objects are the chunks of glibc's malloc, of a thread its stack,
 * its thread-local storage and its descriptor, and other mappings as a whole.
 *
 * A thread can run if it is not blocked, if its wait has a timeout, or if something outside of the process
 * can end the wait. A thread that waits for a futex can run once an object with the futex is marked, one that
 * waits for an owner (a lock, a join) once that thread can run.
 *
 * The same marking finds where handles (pthread_t) are stored: struct reach_handle.
 *
 * What is not understood is a root, or adds a caveat. With a caveat the result is only likely. These are
 * assumed in any case (reach_assumptions): no reference was given to another process or a driver, or to a
 * file that is not open for reading, none is stored as offset, index or text, and no signal handler wakes the
 * thread from its own stack.
 *
 * Sources: glibc's nptl/, nptl_db/ (the layout is read from the process), malloc/malloc.c, malloc/arena.c;
 * the kernel's Documentation/filesystems/proc.rst, Documentation/admin-guide/mm/pagemap.rst.
 */
#ifndef THREADLEAK_REACH_REACH_H
#define THREADLEAK_REACH_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"
#include "wait/wait.h"

enum reach_caveat {
#define CAVEAT(name, text) REACH_CAVEAT_##name,
#include "reach/caveats.def"
    REACH_CAVEATS
};
/* "a debugger is attached" */
const char *reach_caveat_text(enum reach_caveat caveat);
/* Is one of these (bits) about something that programs keep references in, and that cannot be seen at all? */
bool reach_caveats_are_unseen(uint32_t caveats);
/* What every result assumes, NULL-terminated. */
const char *const *reach_assumptions(void);

enum reach_state {
    REACH_UNCHECKED, /* nothing is known */
    REACH_LIVE,      /* it can run, or something that can run may wake it */
    REACH_STUCK,     /* proved, unless there are caveats */
};
/* "unchecked", "live", "stuck" */
const char *reach_state_name(enum reach_state state);

struct reach_thread_result {
    enum reach_state state;
    uint32_t caveats; /* bits, by enum reach_caveat: of the process and of this thread */
};

struct reach_summary {
    bool checked;
    bool moved;       /* not checked: threads that were found stuck have run meanwhile */
    char *why_not;    /* "4 GiB to read, the limit is 256 MiB"; NULL: it was checked */
    uint64_t bytes;   /* copied */
    uint64_t copy_ns; /* part of the time that the process was stopped */
    uint64_t mark_ns; /* after that */
    uint32_t caveats; /* bits, of the process */
};
void reach_summary_release(struct reach_summary *summary);

/* Where a handle (pthread_t) of a thread is stored, so that a thread can join or detach it. What the thread
 * itself stores does not count, nor do libc's lists, stacks of ended threads, and memory that nothing refers
 * to. The first of these: */
enum reach_keeper {
    REACH_KEPT_NOWHERE,
    REACH_KEPT_DATA,       /* of a module, or shared memory */
    REACH_KEPT_HEAP,       /* of malloc */
    REACH_KEPT_STACK,      /* of `thread` */
    REACH_KEPT_TLS,        /* the same */
    REACH_KEPT_DESCRIPTOR, /* the same: pthread_setspecific */
    REACH_KEPT_MAPPING,    /* of mmap */
    REACH_KEPT_KERNEL,     /* in a pipe, a socket, epoll, a timer … */
    REACH_KEPT_REGISTER,   /* of `thread` */
    REACH_KEEPERS
};
struct reach_handle {
    uint64_t handle;
    bool known; /* the thread exists, or has ended and is not joined; false: nothing is known */
    enum reach_keeper keeper;
    uint64_t at;   /* the address of the word; 0: unknown */
    size_t thread; /* an index of snapshot.threads */
};

/* ---- collecting ---- */

enum reach_limit {
    REACH_NOTHING,   /* do not check */
    REACH_MODERATE,  /* up to REACH_MODERATE_BYTES of memory */
    REACH_AVAILABLE, /* up to the available memory of the machine */
};
#define REACH_MODERATE_BYTES (UINT64_C(256) << 20)

struct reach_collector; /* a copy of the process */

/* Call it before the stop: it allocates what the copy will need. ending: the thread that ends the process,
 * whose stack is over; 0: none. NULL: out of memory. */
struct reach_collector *reach_collector_new(pid_t pid, enum reach_limit limit, pid_t ending);
/* Call it while the process is stopped, in the thread that stopped it (snapshot_options.while_stopped).
 * Returns what that does. */
bool reach_collect(struct reach_collector *collector, const struct snapshot *snapshot);
/* Call it before the stop: where are these handles stored? False: out of memory. */
bool reach_want_handles(struct reach_collector *collector, const uint64_t *handles, size_t count);
/* The same for a core file, of a collector with pid 0. */
void reach_collect_core(struct reach_collector *collector, const struct snapshot *snapshot);
void reach_collector_free(struct reach_collector *collector);

/* ---- judging ---- */

/* Call it before reach_judge: the stack pointer in the innermost frame of the program, of the thread that
 * ends the process. What is below it counts no more. */
void reach_set_end(struct reach_collector *collector, uint64_t sp);

/* Call it once. Fills results[], by index of snapshot.threads, and the summary. */
void reach_judge(struct reach_collector *collector, const struct snapshot *snapshot,
                 const struct waits *waits, struct reach_thread_result *results,
                 struct reach_summary *summary);

/*
 * Call it after reach_judge, when the process runs again: are the threads that were found stuck still where
 * they were? If one has run, nothing is known without a new snapshot (summary->moved). Adds
 * caveats that only show now. A process that is parked, and a core file, need no confirmation.
 */
void reach_confirm(const struct reach_collector *collector, const struct snapshot *snapshot,
                   struct reach_thread_result *results, struct reach_summary *summary);

/* Call it after reach_judge, when summary.checked: the handles that are wanted, in ascending order. The
 * collector owns them. They are lost only in so far as summary.caveats is 0. */
const struct reach_handle *reach_handles(const struct reach_collector *collector, size_t *count);

#endif
