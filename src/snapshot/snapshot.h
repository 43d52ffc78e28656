/*
 * Registers and stacks of every thread of a process, as of one moment.  The process is
 * alive, or it left a core file.
 *
 * ptrace stops every thread of a live process (PTRACE_SEIZE, PTRACE_INTERRUPT: ptrace(2)). Its registers and
 * the top of its stack are copied, then all threads go on. Nothing in the process is changed. If this program
 * is killed meanwhile, the kernel resumes the threads and delivers pending signals.
 *
 * No system call of the process returns early, late, short or failed because of this. A stop would do that to
 * many calls, so threads that are blocked in these are left running (calls.def). A running thread may be in
 * such a call, too: it is stopped only if it has not slept for some milliseconds, and is sampled otherwise
 * (unstopped.h). What remains are threads that begin a call in the microseconds between the last check and
 * the stop, or that were not sampled: more than 256 run, or the thread was created while others were stopped.
 * Such a thread is stopped in its call. On x86_64 the tracer restarts a call that would fail with EINTR. A
 * transfer returns what it has transferred.
 */
#ifndef THREADLEAK_SNAPSHOT_SNAPSHOT_H
#define THREADLEAK_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/address_space.h"
#include "proc/tasks.h"
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
    SNAPSHOT_STOPPED,     /* registers and stack were taken; also of a thread that was left running */
    SNAPSHOT_UNSTOPPABLE, /* did not stop in time: in an uninterruptible wait, for example for a vfork child
                           */
    SNAPSHOT_TRACED,      /* another program traces it */
    SNAPSHOT_DENIED,
    SNAPSHOT_KERNEL,   /* a thread of the kernel in this process, such as a worker of io_uring */
    SNAPSHOT_UNSTEADY, /* it goes from one system call to the next, and a stop would change their results */
    SNAPSHOT_FOREIGN,  /* its registers are those of another architecture: a 32-bit program */
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
    uint64_t unknown_regs; /* bits, by number; of a thread that was left running */
    bool unstopped;        /* it was not stopped, but stayed in its system call */
    uint64_t runs;         /* how often it had got a CPU then; 0: unknown, or it was stopped */
    /* It may have run after other threads of the snapshot were read. The others were all where they are at
     * one moment: each was stopped then, or has not run from before that moment until after its copy. */
    bool later;
    bool only_copies; /* of an earlier moment: other memory than the copies may have changed since */
    uint64_t pc, sp;
    uint64_t thread_pointer; /* glibc's pthread_t, which does not depend on the pid namespace; 0: unknown */
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
    pid_t task; /* a living thread, because the main thread may have ended; 0: none, as in a core file */
    struct snapshot_thread *threads; /* by ascending tid */
    size_t count;
    struct address_space space;
    /* Sum over all stops, each from the first stop of a thread to the last resume, or until it is held. */
    uint64_t stopped_ns;
    bool parked;                          /* stopped threads are parked: snapshot_options.park */
    bool held;                            /* stopped threads stay stopped: snapshot_options.holds */
    bool complete;                        /* every thread of the process is in state SNAPSHOT_STOPPED */
    struct snapshot_arena *arenas;        /* where the copies are */
    const struct snapshot_source *source; /* reads more memory: source.h */
    void *source_data;                    /* data of the source; NULL: none */
};

/* Processes that stay stopped. One thread of this program holds each, because only the thread that attached
 * can resume a tracee. If this program dies, the kernel resumes all. Threads that were not stopped in their
 * calls are not held. */
struct snapshot_holds {
    struct snapshot_hold *first;
    size_t count;
};

struct snapshot_options {
    const struct task_list *tasks; /* read just before, which saves a reading of each; NULL: none */
    /* Called once, in another thread, while the process is stopped for the first time; NULL: nothing. True:
     * no thread that was left running has run since its call was read. */
    bool (*while_stopped)(const struct snapshot *snapshot, void *arg);
    void *arg;
    unsigned stop_ms;    /* longest wait for threads that do not stop; 0: 200 */
    size_t copied_bytes; /* bytes of all stacks together, at the first stop; 0: 64 MiB */
    /* At the end of the process its shim asks for this: threads do not return to the program. Each goes on at
     * this address with all signals blocked. 0: they go on where they were stopped. */
    uint64_t park;
    pid_t park_not; /* except this thread */
    /* The process stays stopped, and is added here. At most 1000 are held. NULL: it goes on. */
    struct snapshot_holds *holds;
};

enum snapshot_status {
    SNAPSHOT_OK,
    SNAPSHOT_GONE,    /* no such process, or it has ended */
    SNAPSHOT_REFUSED, /* ptrace is not permitted; error has what would allow it */
    SNAPSHOT_BUSY,    /* another process traces it; error names that */
    SNAPSHOT_FAILED
};

struct core_file; /* core/core.h */

/* ---- taking ---- */

/* Takes one of a live process. options: NULL for the defaults. */
enum snapshot_status snapshot_take(pid_t pid, const struct snapshot_options *options,
                                   struct snapshot **snapshot, struct error *error);
/* Takes one of a core file, which must outlive the snapshot. SNAPSHOT_FAILED: out of memory, or the core has
 * no thread. */
enum snapshot_status snapshot_open_core(const struct core_file *core, struct snapshot **snapshot,
                                        struct error *error);
/* One without threads, to read the memory and the files of a live process. Nothing is stopped. False with
 * errno: no such process, not readable, or out of memory. */
bool snapshot_open_memory(pid_t pid, struct snapshot **snapshot);
/* Registers and the top of the stack of a thread, which the kernel copied at some moment. */
struct snapshot_sample {
    pid_t tid;
    const uint64_t *regs; /* SNAPSHOT_REGS of them */
    unsigned char *stack; /* from the stack pointer up. The caller keeps it as long as the snapshot */
    size_t stack_size;
};
/* Makes one of samples of a live process, each of another moment, with its current memory map. Threads are in
 * the order of the samples. SNAPSHOT_GONE, SNAPSHOT_REFUSED, SNAPSHOT_FAILED: as above. */
enum snapshot_status snapshot_of_samples(pid_t pid, const struct snapshot_sample *samples, size_t count,
                                         struct snapshot **snapshot, struct error *error);
void snapshot_free(struct snapshot *snapshot);
/* Resumes all held processes. The list is empty then. */
void snapshot_holds_release(struct snapshot_holds *holds);

/* Memory that the unwinding of a thread did not find. */
struct snapshot_want {
    size_t thread; /* index */
    uint64_t address;
};
/* Can snapshot_deepen get more memory? False for a core: all of its memory can be read at once. */
bool snapshot_can_deepen(const struct snapshot *snapshot);
/*
 * Stops these threads again and replaces their copies: registers, the whole stack, and memory from `address`
 * on if that is outside of the stack. Threads that cannot be stopped any more keep their first copy.
 */
void snapshot_deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count);

/* ---- reading ---- */

/*
 * Memory as it was when the thread was stopped: from the copies, or from the
 * process where it is mapped read-only.  False: it was not copied and may have changed.
 */
bool snapshot_read_memory(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                          uint64_t address, void *to, size_t size);
/* Any memory, with its current contents (those of the dump for a core). False: not all of it could be
 * read. */
bool snapshot_read_live(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
/* The same; returns how many bytes, counted from `address`, could be read. */
size_t snapshot_read_some(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
/* Can memory of the process be missing, as in a core file? */
bool snapshot_is_partial(const struct snapshot *snapshot);

/* Takes over the descriptor.  True: this is the file. */
typedef bool snapshot_accept_fn(void *arg, int fd);
/*
 * Opens each file that may be that of a mapping, and passes it to `accept` until one is accepted. For a live
 * process these are the file at the path in its root, the one in our root, and the mapped file itself. Their
 * contents are not checked. For a core it is the file at the path, if that is proven to be the build that was
 * mapped. False: none was accepted.
 */
bool snapshot_find_file(const struct snapshot *snapshot, const struct region *region,
                        snapshot_accept_fn *accept, void *arg);

/* Is the address in the mapping of the thread's own stack? False: it is elsewhere, as the stack of a
 * coroutine or of a signal handler is, or that is not known. */
bool snapshot_is_own_stack(const struct snapshot *snapshot, const struct snapshot_thread *thread,
                           uint64_t address);

/* Does /proc/PID describe this process?  False for a core: another process may have its pid. */
bool snapshot_has_proc(const struct snapshot *snapshot);
/* A thread that was alive just now, for /proc/TASK/root, maps …; 0 without /proc. */
pid_t snapshot_living_task(const struct snapshot *snapshot);

/* Why a thread has no stack: "is traced by another process"; NULL: it was stopped. */
const char *snapshot_state_text(enum snapshot_state state);

#endif
