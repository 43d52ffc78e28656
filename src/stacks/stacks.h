/*
 * Where the threads of a process are now, and what each waits for: from a
 * snapshot, from what its threads took of themselves, or from a core file, in
 * one shape, with every frame symbolised.
 */
#ifndef THREADLEAK_STACKS_STACKS_H
#define THREADLEAK_STACKS_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"
#include "symbolize/symbolize.h"
#include "wait/wait.h"

enum stack_source { STACK_SOURCE_NONE, STACK_SOURCE_PTRACE, STACK_SOURCE_SIGNAL, STACK_SOURCE_CORE };
/* "none", "ptrace", "signal", "core" */
const char *stack_source_name(enum stack_source source);

/* One object for all equal stacks. */
struct shared_stack {
    struct frame *frames; /* leaf first, inlined ones included */
    size_t count;
    char *incomplete; /* why callers are missing; NULL: it goes to the thread's beginning */
};

struct thread_stack {
    pid_t tid;
    uint64_t handle; /* pthread_t, as far as the snapshot tells; 0: unknown */
    enum stack_source source;
    const struct shared_stack *stack; /* NULL: none */
    char *why_none;                   /* "is traced by another process"; NULL: unknown, or it has one */
    struct wait wait;                 /* WAIT_NONE where nothing is known */
    uint64_t owner_id;                /* T-number of wait.owner; 0: none */
    double idle_s;                    /* since it ran last; < 0: unknown */
};

struct stacks {
    struct thread_stack *threads; /* by ascending tid */
    size_t count;
    struct shared_stack *stacks;
    size_t stack_count;
    void *kept; /* current_file.c's: what strings of frames are in; NULL: the symbolizer's */
    char *note; /* a line on what is missing and what would allow more; NULL: nothing */
};

struct stacks_options {
    struct symbolizer *symbolizer;
    const struct ledger *ledger; /* for T-numbers, and stacks without ptrace; NULL: not watched */
};

/*
 * Of a live process: by ptrace; where that is refused, by the threads themselves
 * when they are watched.  What could not be had stands in `note` and `why_none`.
 * NULL: out of memory, or there is no such process.
 */
struct stacks *stacks_take(pid_t pid, const struct stacks_options *options, struct error *error);
void stacks_free(struct stacks *current);
/* No stack at all, and why: its note is "none: WHY".  NULL: out of memory. */
struct stacks *stacks_none(const char *why);

/* NULL: nothing is known of this thread. */
const struct thread_stack *stacks_find(const struct stacks *current, pid_t tid);
/* By pthread_t: a core may have the tids of another pid namespace than the ledger. */
const struct thread_stack *stacks_find_handle(const struct stacks *current, uint64_t handle);

struct snapshot; /* snapshot.h */
/* Of a snapshot that somebody else took; `source` says how. */
struct stacks *stacks_of_snapshot(struct snapshot *snapshot, enum stack_source source,
                                  const struct stacks_options *options, struct error *error);

/* ---- code addresses of a ledger ---- */

/* The frames at an address of the ledger; at least one. */
const struct frame_list *stack_frames(const struct ledger *ledger, struct symbolizer *symbolizer,
                                      ledger_pc pc, bool is_return_address);

/* Is it libc's code that starts the program? */
bool stack_is_start_up(const struct frame *frame);
/* What called that is start-up code, too, whatever its name. */
void stack_mark_start_up(struct frame *frames, size_t count);

/* The call before a return address, the innermost one where calls were inlined;
 * NULL: not known. */
const struct frame *stack_call(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc);

/* The function that begins at an address, not what was inlined into its
 * beginning; NULL: not known. */
const struct frame *stack_function(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc);

/* ---- saved ---- */

/*
 * Current stacks in a file: a process that ends under `threadleak run` is looked at
 * while it is still there, and reported when all have ended.
 *
 * JSON, for this program alone, of its own version: other contents are no present
 * stacks.  The file is read as hostile input: the directory belongs to the user, but
 * the processes that are watched may write there.
 */
/* "present.PID.N", beside "ledger.PID.N" */
#define STACKS_FILE_PREFIX "present."

/* Written whole or not at all.  False with errno. */
bool stacks_save(const struct stacks *current, const char *path);
/* The strings of its frames are kept by the present itself.  NULL: no such file, or
 * nothing of use in it. */
struct stacks *stacks_load(const char *path);
/* For stacks_free. */
void stacks_free_kept(void *kept);

#endif
