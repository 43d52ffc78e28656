/*
 * Registers and stacks of every thread of a process, as of one moment: of a live
 * one, or of one that left a core file.
 *
 * Every thread is stopped by ptrace (PTRACE_SEIZE, PTRACE_INTERRUPT: ptrace(2)),
 * its registers and the top of its stack are copied, and all go on at once.
 * Nothing in the process is changed; when this program is killed in the middle,
 * the kernel lets the threads go, and a signal that was on its way arrives.
 *
 * A stop interrupts system calls as SIGSTOP and SIGCONT do (signal(7)).  Most are
 * restarted by the kernel itself, with the time that was left: nanosleep, futex
 * (mutexes, condition variables, semaphores), poll, select, read, write, wait4.
 * The few that would fail with EINTR (epoll_wait, semop, sigtimedwait,
 * io_getevents, sockets with SO_RCVTIMEO or SO_SNDTIMEO) are restarted too, on
 * x86_64; a timeout of theirs then counts from the beginning again.  A call that
 * has moved a part of its data returns that part, as it may at any time.
 */
#ifndef THREADLEAK_SNAPSHOT_SNAPSHOT_H
#define THREADLEAK_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/address_space.h"
#include "ledger/ledger.h"

/* Numbered as DWARF does (the psABI of each machine); the pc is among them. */
#if defined(__x86_64__)
enum { SNAPSHOT_REG_FP = 6, SNAPSHOT_REG_SP = 7, SNAPSHOT_REG_PC = 16, SNAPSHOT_REGS = 17 };
#elif defined(__aarch64__)
enum { SNAPSHOT_REG_FP = 29, SNAPSHOT_REG_SP = 31, SNAPSHOT_REG_PC = 32, SNAPSHOT_REGS = 33 };
#else
#error "no register numbers for this machine"
#endif

enum snapshot_state {
    SNAPSHOT_STOPPED,     /* all below is known */
    SNAPSHOT_UNSTOPPABLE, /* did not stop in time: in an uninterruptible wait, as for a vfork child */
    SNAPSHOT_TRACED,      /* this one is traced by somebody else */
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
    long syscall_nr;         /* in which it was blocked; -1: in none, or it had just finished */
    uint64_t syscall_args[6];
    struct snapshot_copy stack;       /* from below sp upwards */
    struct snapshot_copy interrupted; /* of the stack it was on before a signal handler's own */
    struct snapshot_copy object;      /* around the futex it waits for */
};

struct snapshot_arena;
struct snapshot_core;

struct snapshot {
    pid_t pid;
    pid_t task;                      /* a living thread: the main thread may have left; 0: of a core */
    struct snapshot_thread *threads; /* by ascending tid */
    size_t count;
    struct address_space space;
    uint64_t stopped_ns; /* from the first stop to the last resume, all stops together */
    bool complete;       /* every thread that there was is in state SNAPSHOT_STOPPED */
    struct snapshot_arena *arenas;
    struct snapshot_core *core; /* NULL: of a live process; else nothing of /proc belongs to it */
    /* Reads memory that is not among the copies; how much was read, from the start. */
    size_t (*read)(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
};

struct snapshot_options {
    unsigned stop_ms;    /* no longer than this for all that do not stop; 0: 200 */
    size_t copied_bytes; /* of all stacks together at first; 0: 64 MiB */
};

enum snapshot_status {
    SNAPSHOT_OK,
    SNAPSHOT_GONE,    /* no such process, or it has ended */
    SNAPSHOT_REFUSED, /* ptrace is not permitted; error says what would allow it */
    SNAPSHOT_BUSY,    /* another tracer is there, and stays; error says who */
    SNAPSHOT_FAILED
};

struct core_file; /* core_file.h */

/* options: NULL for the defaults. */
enum snapshot_status snapshot_take(pid_t pid, const struct snapshot_options *options,
                                   struct snapshot **snapshot, struct error *error);
/* From a core file, which must outlive the snapshot; its threads are by ascending tid.
 * SNAPSHOT_FAILED: out of memory, or no thread is in it. */
enum snapshot_status snapshot_open_core(const struct core_file *core, struct snapshot **snapshot,
                                        struct error *error);
void snapshot_free(struct snapshot *snapshot);

/* What a thread's unwinding found to be missing. */
struct snapshot_want {
    size_t thread; /* index */
    uint64_t address;
};
/*
 * Stops these threads once more and takes all of each anew: registers, the stack
 * as far as it goes, and from `address` upwards when that is elsewhere.  Threads
 * that cannot be stopped any more keep what they have.  Nothing happens for a core,
 * all of whose memory snapshot_read_memory finds.
 */
void snapshot_deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count);

/*
 * Memory as it was when the thread stood still: from the copies, or from the
 * process where it is mapped read-only.  False: not to be had.
 */
bool snapshot_read_memory(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                          uint64_t address, void *to, size_t size);
/* Any memory, as it is by now; of a core, as it was. */
bool snapshot_read_live(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);

/* The task, or one that is still there; /proc/TASK/root, maps … work as for a pid.
 * 0 for a core. */
pid_t snapshot_living_task(const struct snapshot *snapshot);

/* Why a thread has no stack: "is traced by another process"; NULL for stopped ones. */
const char *snapshot_state_text(enum snapshot_state state);

/*
 * The file at the region's path, when it is the build that was mapped: a descriptor
 * that stays the snapshot's, or -1.  The page with the ELF header must have been
 * dumped, and be the file's; so must be all ELF notes, among which is the build-id.
 * A file without one must not have been changed since the core was written.
 */
int snapshot_core_image(const struct snapshot *snapshot, const struct region *region);

#endif
