/* What the parts of wait*.c share. */
#ifndef THREADLEAK_WAIT_INTERNAL_H
#define THREADLEAK_WAIT_INTERNAL_H

#include "wait/wait.h"
#include "wait/call.h"
#include "base/line.h"
#include "wait/name.h"
#include "wait/stack.h"

struct files;

struct waits {
    struct wait_context context;
    struct wait *items; /* by index of snapshot.threads */
    struct stack_facts *stacks;
    size_t stack_count;
    struct modules modules;
    struct object_names *names;
    struct files *files;
    bool glibc_known;
    bool has_proc;    /* snapshot_has_proc: now is the time of the process, too */
    bool same_clocks; /* CLOCK_MONOTONIC is the same here and there */
    bool is_halted;   /* by SIGSTOP: relative timeouts were read when that came */
};

/* One thread in hand. */
struct view {
    struct waits *waits;
    const struct snapshot_thread *thread;
    const struct stack_facts *stack; /* never NULL */
    struct wait_call call;
    struct wait *wait;
    struct line *line; /* of what becomes wait.what */
};

/* As it was when the thread stood still where a copy has it, else as it is now. */
bool view_read(const struct view *view, uint64_t address, void *to, size_t size);
/* "T5 \"flusher\"", "this thread itself", "tid 4247" */
void view_add_thread(const struct view *view, pid_t tid);
/* Names an object: "queue_lock", "0x7f…, heap"; false: out of memory. */
bool view_add_object(const struct view *view, uint64_t address, char **symbol);

/* wait_futex.c, wait_file.c, wait_poll.c: set view->wait and say what in view->line.
 * False: out of memory. */
bool wait_for_futex(const struct view *view);
bool wait_for_file(const struct view *view);
bool wait_for_poll(const struct view *view);

#endif
