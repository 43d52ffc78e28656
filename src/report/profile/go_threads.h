/* All threads of a report in one list, and what both texts of Go print of a frame. */
#ifndef THREADLEAK_REPORT_PROFILE_GO_THREADS_H
#define THREADLEAK_REPORT_PROFILE_GO_THREADS_H

#include <stdio.h>

#include "leak/model.h"

struct listed_thread {
    const struct process_report *process;
    const struct thread_info *thread;
    const struct leak_group *group; /* NULL: the main thread, or an untracked one */
    const char *kind;               /* "main", "joinable", "detached", "unjoined", "untracked" */
};

struct thread_list {
    struct listed_thread *items; /* by process, T-number and tid; untracked ones last */
    size_t count;
};

/* False: out of memory. Release it in both cases. */
bool thread_list_make(struct thread_list *list, const struct report *report);
void thread_list_release(struct thread_list *list);

/* "joinable", "detached", "unjoined" */
const char *thread_kind_of(enum leak_kind kind);

/* What it waits for: "mutex queue_lock, held by T5"; NULL: unknown, or it runs. */
const char *thread_waits_for(const struct thread_info *thread);

/* "/src/pool.c:27", or "/lib/libx.so+0x1f0", and a newline. */
void put_go_place(FILE *out, const struct frame *frame);

#endif
