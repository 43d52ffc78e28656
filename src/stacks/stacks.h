/*
 * The current stacks of the threads of a process, and what each thread waits for. They come from ptrace,
 * signals or a core file, and every frame is symbolised.
 */
#ifndef THREADLEAK_STACKS_STACKS_H
#define THREADLEAK_STACKS_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "proc/tasks.h"
#include "reach/reach.h"
#include "symbolize/symbolize.h"
#include "wait/wait.h"

enum stack_source { STACK_SOURCE_NONE, STACK_SOURCE_PTRACE, STACK_SOURCE_SIGNAL, STACK_SOURCE_CORE };
/* "none", "ptrace", "signal", "core" */
const char *stack_source_name(enum stack_source source);

/* One object for all equal stacks. */
struct shared_stack {
    struct frame *frames; /* leaf first, inlined ones included */
    size_t count;
    char *incomplete; /* why callers are missing; NULL: the stack is complete */
    uint64_t stray;   /* the return address after the last frame, where no code is now; 0: none is known */
};

/* With wakes=1: who notified what a thread waits for. */
enum notified_state {
    NOTIFIED_UNKNOWN,
    NOTIFIED_NEVER,  /* not since it was initialised */
    NOTIFIED_BY,     /* the other members are valid */
    NOTIFIED_UNSEEN, /* a futex of the program's own: no hook sees its notifications */
};
struct notified {
    enum notified_state state;
    uint64_t id;        /* T-number of the last notifier; 0: an untracked thread */
    uint64_t notifiers; /* a bit (T-number % 64) for each thread that has notified it; all: not known */
    /* CLOCK_MONOTONIC of the process: the notification, and the beginning of the wait; wait_ns 0: unknown.
     * Equal: it is not known which was first */
    uint64_t ns, wait_ns;
    const struct shared_stack *stack; /* of the notifier then; NULL: none */
};

struct thread_stack {
    pid_t tid;
    uint64_t handle; /* pthread_t; 0: unknown */
    /* Of a thread that created one: where the frames of functions of the program are, not those of libc.
     * 0: unknown, or on another stack than its own (a coroutine) */
    struct stack_range {
        uint64_t start, end;
    } frames;
    enum stack_source source;
    const struct shared_stack *stack; /* NULL: none */
    char *why_none;                   /* "is traced by another process"; NULL: unknown, or it has a stack */
    struct wait wait;                 /* WAIT_NONE: unknown */
    uint64_t owner_id;                /* T-number of wait.owner; 0: none */
    struct notified notified;
    double idle_s;                    /* since it last ran; < 0: unknown */
    bool later;                       /* it may have run since the other threads were read */
    struct reach_thread_result reach; /* can it ever run again? */
};

/* Whether other threads can get at the handle (pthread_t) of a tracked thread that is alive or not joined. */
struct kept_handle {
    uint64_t handle;
    bool lost;        /* it is stored nowhere */
    uint32_t caveats; /* of that: bits, by enum reach_caveat */
    char *where;      /* "variable workers+0x8", "the frame of serve, T1"; NULL: it is lost */
    char *function;   /* whose frame has it; NULL: it is elsewhere, or that is not known */
    pid_t tid;        /* of that frame; 0: as above */
};

/* The variable of a creator that changed it after it had passed its address to a thread
 * (SLOT_ARGUMENT_CHANGED).
 */
struct passed_variable {
    uint64_t argument, created_by;
    ledger_pc call;           /* the function that has it calls here, on the way to the creation */
    struct frame_place place; /* in the frame of that function */
};

/* The frames at a code address of the ledger. */
struct ledger_place {
    ledger_pc pc;
    bool is_return_address;
    struct frame *frames; /* leaf first, inlined ones included */
    size_t count;
};

struct stacks {
    struct thread_stack *threads; /* by ascending tid */
    size_t count;
    struct shared_stack *shared; /* owns the threads' `stack` */
    size_t shared_count;
    struct task_list tasks; /* of a live process: its threads, their names and times just before the stop */
    uint64_t moment_ns;     /* CLOCK_MONOTONIC of that; 0: unknown */
    struct json_t *json;    /* owns the strings of loaded frames; NULL: the symbolizer owns them */
    char **argv;            /* of the process when they were taken, one block; NULL: not read */
    /* The frames come from symbols; stacks_resolve() adds files, lines and inlined calls. */
    bool symbols_only;
    /* Of a process whose files are not those at their paths (stacks_add_places). */
    struct ledger_place *places;
    size_t place_count;
    char **replaced;             /* process_replaced_files, when they were saved; NULL: none, or not saved */
    struct reach_summary reach;  /* of the threads' `reach`, or why it is not known */
    struct kept_handle *handles; /* by handle; those of which nothing is known are not here */
    size_t handle_count;
    struct passed_variable *passed; /* of live threads */
    size_t passed_count;
    bool main_is_over;    /* main has returned, and its variables are gone because the process ends */
    bool handles_signals; /* the process has a handler, not counting those of libc and the shim */
    char *note;           /* one line: what is missing, and what would allow more; NULL: nothing */
};

struct stacks_options {
    struct symbolizer *symbolizer;
    const struct ledger *ledger; /* for T-numbers, and stacks without ptrace; NULL: not watched */
    struct stacks_park {
        uint64_t at; /* at the end of a process: snapshot_options.park; 0: its threads go on */
        pid_t except;
    } park;
    struct snapshot_holds *holds; /* snapshot_options.holds; NULL: the process goes on */
    enum reach_limit reach;       /* for reach_collector_new */
};

/*
 * Takes those of a live process by ptrace. If that is refused and the process is watched, takes them by
 * signals. `note` and `why_none` explain what is missing. NULL: out of memory, or there is no such process.
 */
struct stacks *stacks_take(pid_t pid, const struct stacks_options *options, struct error *error);
void stacks_free(struct stacks *stacks);
/* An object without stacks. Its note is "none: WHY". NULL: out of memory. */
struct stacks *stacks_none(const char *why);

/* NULL: the thread is unknown. */
const struct thread_stack *stacks_find(const struct stacks *stacks, pid_t tid);
/* Finds a thread by pthread_t, because the tids of core and ledger may be from different pid namespaces. */
const struct thread_stack *stacks_find_handle(const struct stacks *stacks, uint64_t handle);

/* The variable whose address a thread got. NULL: it is not known that it changed, or which function has it.
 */
const struct passed_variable *stacks_find_passed(const struct stacks *stacks, const struct ledger_slot *slot);

/* NULL: nothing is known of the handle. */
const struct kept_handle *stacks_find_kept(const struct stacks *stacks, uint64_t handle);

struct snapshot; /* snapshot.h */
/* Makes them from a snapshot of the caller, with this `source`. */
struct stacks *stacks_from_snapshot(struct snapshot *snapshot, enum stack_source source,
                                    const struct stacks_options *options, struct error *error);

/* What was read of a live process just before its snapshot, and while it was stopped. */
struct live_facts {
    struct task_list tasks; /* may be empty */
    uint64_t moment_ns;
    struct files *files;           /* wait_files_read; NULL: not read */
    struct reach_collector *reach; /* NULL: not collected */
};
/* The same for a live process. Takes over the facts, also if it fails. */
struct stacks *stacks_from_live(struct snapshot *snapshot, struct live_facts *facts,
                                const struct stacks_options *options, struct error *error);

/* ", last notified by T1 in stop (pool.c:31), 0.15 s before this wait began"; nothing if it is not known. */
void line_add_notified(struct line *line, const struct notified *notified);
/* ", 0.15 s before this wait began"; nothing if it is not known. */
void line_add_notified_time(struct line *line, const struct notified *notified);
/* The frame of the notifier's code. NULL: unknown. */
const struct frame *notified_place(const struct notified *notified);

/* ---- code addresses of a ledger ---- */

struct code_address stack_address(const struct ledger *ledger, ledger_pc pc, bool is_return_address);
/* The frames at an address of the ledger; at least one. */
const struct frame_list *stack_frames(const struct ledger *ledger, struct symbolizer *symbolizer,
                                      ledger_pc pc, bool is_return_address);

/* Is it a file of libc, the loader or the shim? NULL: no. */
bool stack_is_of_system(const char *module);
/* Is it code of libc that starts the program? */
bool stack_is_start_up(const struct frame *frame);
/* Sets `runtime` of start-up frames and their callers, independent of their names. */
void stack_mark_start_up(struct frame *frames, size_t count);

/* The call before a return address; of inlined calls the innermost. NULL: not known. */
const struct frame *stack_call(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc);

/* The function that begins at an address, and not one that was inlined there; NULL: not known. */
const struct frame *stack_function(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc);

/* Appends to an array of the caller. False: out of memory. */
bool frames_append(struct frame **frames, size_t *count, const struct frame_list *list);

/* ---- saved ---- */

/* Reads the debug information that was not read before, if `symbols_only`. The symbolizer then owns the
 * strings of frames, too. False: out of memory. */
bool stacks_resolve(struct stacks *stacks, struct symbolizer *symbolizer);

/*
 * Adds the frames of all creation sites, start routines, joins, faults and the fork of a ledger, for readers
 * that cannot open the files of the process. False: out of memory.
 */
bool stacks_add_places(struct stacks *stacks, const struct ledger *ledger, struct symbolizer *symbolizer);
/* Adds these frames to a symbolizer, which then must not outlive the stacks. False: out of memory. */
bool stacks_use_places(const struct stacks *stacks, const struct ledger *ledger,
                       struct symbolizer *symbolizer);
void stacks_free_places(struct stacks *stacks);

/*
 * Current stacks in a file. Those of a process that ends under `threadleak run` are saved while it exists,
 * and reported when all have ended.
 *
 * The format is JSON, only for this version of threadleak. The file is hostile input, because watched
 * processes may write to its directory.
 */
/* "stacks.PID.N", beside "ledger.PID.N" */
#define STACKS_FILE_PREFIX "stacks."

/* Writes the file completely or not at all. False with errno. */
bool stacks_save(const struct stacks *stacks, const char *path);
/* NULL: no such file, or not one of this version. */
struct stacks *stacks_load(const char *path);

#endif
