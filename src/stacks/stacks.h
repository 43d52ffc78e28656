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

enum present_source { PRESENT_NONE, PRESENT_PTRACE, PRESENT_SIGNAL, PRESENT_CORE };
/* "none", "ptrace", "signal", "core" */
const char *present_source_name(enum present_source source);

/* One object for all equal stacks. */
struct present_stack {
    struct frame *frames; /* leaf first, inlined ones included */
    size_t count;
    char *incomplete; /* why callers are missing; NULL: it goes to the thread's beginning */
};

struct present_thread {
    pid_t tid;
    uint64_t handle; /* pthread_t, as far as the snapshot tells; 0: unknown */
    enum present_source source;
    const struct present_stack *stack; /* NULL: none */
    char *why_none;                    /* "is traced by another process"; NULL: unknown, or it has one */
    struct wait wait;                  /* WAIT_NONE where nothing is known */
    uint64_t owner_id;                 /* T-number of wait.owner; 0: none */
    double idle_s;                     /* since it ran last; < 0: unknown */
};

struct present {
    struct present_thread *threads; /* by ascending tid */
    size_t count;
    struct present_stack *stacks;
    size_t stack_count;
    void *kept; /* present_file.c's: what strings of frames are in; NULL: the symbolizer's */
    char *note; /* a line on what is missing and what would allow more; NULL: nothing */
};

struct present_options {
    struct symbolizer *symbolizer;
    const struct ledger *ledger; /* for T-numbers, and stacks without ptrace; NULL: not watched */
};

/*
 * Of a live process: by ptrace; where that is refused, by the threads themselves
 * when they are watched.  What could not be had stands in `note` and `why_none`.
 * NULL: out of memory, or there is no such process.
 */
struct present *present_take(pid_t pid, const struct present_options *options, struct error *error);
void present_free(struct present *present);
/* No stack at all, and why: its note is "none: WHY".  NULL: out of memory. */
struct present *present_none(const char *why);

/* NULL: nothing is known of this thread. */
const struct present_thread *present_find(const struct present *present, pid_t tid);
/* By pthread_t: a core may have the tids of another pid namespace than the ledger. */
const struct present_thread *present_find_handle(const struct present *present, uint64_t handle);

struct snapshot; /* snapshot.h */
/* Of a snapshot that somebody else took; `source` says how. */
struct present *present_of_snapshot(struct snapshot *snapshot, enum present_source source,
                                    const struct present_options *options, struct error *error);

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
 * Present stacks in a file: a process that ends under `threadleak run` is looked at
 * while it is still there, and reported when all have ended.
 *
 * JSON, for this program alone, of its own version: other contents are no present
 * stacks.  The file is read as hostile input: the folder belongs to the user, but
 * the processes that are watched may write there.
 */
/* "present.PID.N", beside "ledger.PID.N" */
#define PRESENT_FILE_PREFIX "present."

/* Written whole or not at all.  False with errno. */
bool present_save(const struct present *present, const char *path);
/* The strings of its frames are kept by the present itself.  NULL: no such file, or
 * nothing of use in it. */
struct present *present_load(const char *path);
/* For present_free. */
void present_free_kept(void *kept);

#endif
