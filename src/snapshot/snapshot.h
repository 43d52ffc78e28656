/*
 * Registers and stacks of every thread of a process, as of one moment.  The process is
 * alive, or it left a core file.
 *
 * ptrace stops every thread of a live process (PTRACE_SEIZE, PTRACE_INTERRUPT: ptrace(2)).
 * Its registers and the top of its stack are copied, then all threads go on.  Nothing in
 * the process is changed.  When this program is killed meanwhile, the kernel lets the
 * threads go, and pending signals are delivered.
 *
 * A stop interrupts system calls as SIGSTOP and SIGCONT do (signal(7)).  The kernel
 * restarts most of them, with the rest of their timeout: nanosleep, futex (mutexes,
 * condition variables, semaphores), poll, select, read, write, wait4.
 * A few would fail with EINTR: epoll_wait, semop, sigtimedwait, io_getevents, sockets
 * with SO_RCVTIMEO or SO_SNDTIMEO.  On x86_64 these are restarted too, and their timeout
 * begins anew.  A call that has moved a part of its data returns that part, as it may at
 * any time.
 */
#ifndef THREADLEAK_SNAPSHOT_SNAPSHOT_H
#define THREADLEAK_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/address_space.h"
#include "ledger/ledger.h"

/* DWARF's register numbers (the psABI of each machine); the pc is among them. */
#if defined(__x86_64__)
enum { SNAPSHOT_REG_FP = 6, SNAPSHOT_REG_SP = 7, SNAPSHOT_REG_PC = 16, SNAPSHOT_REGS = 17 };
#elif defined(__aarch64__)
enum { SNAPSHOT_REG_FP = 29, SNAPSHOT_REG_SP = 31, SNAPSHOT_REG_PC = 32, SNAPSHOT_REGS = 33 };
#else
#error "no register numbers for this machine"
#endif

enum snapshot_state {
    SNAPSHOT_STOPPED,     /* registers and stack were taken */
    SNAPSHOT_UNSTOPPABLE, /* did not stop in time: in an uninterruptible wait, as for a vfork child */
    SNAPSHOT_TRACED,      /* another program traces it */
    SNAPSHOT_DENIED,
    SNAPSHOT_FOREIGN, /* its registers are those of another architecture: a 32-bit program */
};

struct snapshot_copy {
    uint64_t start;
    size_t size; /* 0: none */
    unsigned char *bytes;
};

struct snapshot_thread {
    pid_t tid;
    enum snapshot_state state;
    uint64_t regs[SNAPSHOT_REGS];
    uint64_t pc, sp;
    uint64_t thread_pointer; /* glibc's pthread_t, in whatever pid namespace; 0: unknown */
    long syscall_nr;         /* in which it was blocked; -1: none, or the call had just finished */
    uint64_t syscall_args[6];
    struct snapshot_copy stack;       /* from below sp upwards */
    struct snapshot_copy interrupted; /* of the stack it was on before a signal handler's stack */
    struct snapshot_copy object;      /* around the futex it waits for */
};

struct snapshot_arena;
struct snapshot_source;

struct snapshot {
    pid_t pid;
    pid_t task; /* a living thread, as the main thread may have ended; 0: none, as in a core file */
    struct snapshot_thread *threads; /* by ascending tid */
    size_t count;
    struct address_space space;
    uint64_t stopped_ns;                  /* from the first stop to the last resume, all stops together */
    bool complete;                        /* every thread of the process is in state SNAPSHOT_STOPPED */
    struct snapshot_arena *arenas;        /* where the copies are */
    const struct snapshot_source *source; /* how more is read: source.h */
    void *source_data;                    /* what that keeps for itself; NULL: nothing */
};

struct snapshot_options {
    unsigned stop_ms;    /* longest wait for threads that do not stop; 0: 200 */
    size_t copied_bytes; /* of all stacks together, at the first stop; 0: 64 MiB */
};

enum snapshot_status {
    SNAPSHOT_OK,
    SNAPSHOT_GONE,    /* no such process, or it has ended */
    SNAPSHOT_REFUSED, /* ptrace is not permitted; error says what would allow it */
    SNAPSHOT_BUSY,    /* another tracer is there, and stays; error says who */
    SNAPSHOT_FAILED
};

struct core_file; /* core/core.h */

/* ---- taking ---- */

/* Of a live process.  options: NULL for the defaults. */
enum snapshot_status snapshot_take(pid_t pid, const struct snapshot_options *options,
                                   struct snapshot **snapshot, struct error *error);
/* Of a core file, which must outlive the snapshot.
 * SNAPSHOT_FAILED: out of memory, or the core has no thread. */
enum snapshot_status snapshot_open_core(const struct core_file *core, struct snapshot **snapshot,
                                        struct error *error);
void snapshot_free(struct snapshot *snapshot);

/* Memory that the unwinding of a thread did not find. */
struct snapshot_want {
    size_t thread; /* index */
    uint64_t address;
};
/* Can snapshot_deepen get more memory?  False for a core: all that it has can be read at once. */
bool snapshot_can_deepen(const struct snapshot *snapshot);
/*
 * Stops these threads once more and takes all of each anew: registers, the stack
 * as far as it goes, and memory from `address` upwards when that is elsewhere.
 * Threads that cannot be stopped any more keep what they have.
 */
void snapshot_deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count);

/* ---- reading ---- */

/*
 * Memory as it was when the thread was stopped: from the copies, or from the
 * process where it is mapped read-only.  False: it was not copied and may have changed.
 */
bool snapshot_read_memory(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                          uint64_t address, void *to, size_t size);
/* Any memory, as it is now; a core's, as it was.  False: not all of it could be read. */
bool snapshot_read_live(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
/* The same; returns how many bytes, counted from `address`, could be read. */
size_t snapshot_read_some(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
/* May memory that the process had be missing, as in a core file? */
bool snapshot_is_partial(const struct snapshot *snapshot);

/* Takes over the descriptor.  True: this is the file. */
typedef bool snapshot_accept_fn(void *arg, int fd);
/*
 * Opens what may be the file of a mapping, and passes each to `accept` until one is
 * accepted.  Of a live process these are what is at the path in its file system, at the
 * path in ours, and the mapped file itself, without regard to their contents.  Of a core
 * it is the file at the path, if that is proven to be the build that was mapped.
 * False: none was accepted.
 */
bool snapshot_find_file(const struct snapshot *snapshot, const struct region *region,
                        snapshot_accept_fn *accept, void *arg);

/* Does /proc/PID describe this process?  False for a core: another process may have its pid. */
bool snapshot_has_proc(const struct snapshot *snapshot);
/* A thread that was alive just now: /proc/TASK/root, maps … work as for a pid.  0 without /proc. */
pid_t snapshot_living_task(const struct snapshot *snapshot);

/* Why a thread has no stack: "is traced by another process"; NULL for stopped ones. */
const char *snapshot_state_text(enum snapshot_state state);

#endif
