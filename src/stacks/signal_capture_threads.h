/* The threads of a process. For those that the shim tracks, the end of the stack is known. */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_THREADS_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_THREADS_H

#include "stacks/captured.h"

/* Threads that have begun and not ended, from the ledger. */
struct tracked_list {
    struct thread_index index;
    pid_t main; /* in the process's own pid namespace, as all tids here */
};

struct tracked {
    bool small_stack;
    uint64_t handle; /* pthread_t, at the upper end of its stack; 0: the main thread's */
};

/* Fills capture->threads from /proc/PID/task.  False with errno. */
bool list_tasks(pid_t pid, struct signal_capture *capture);

/* Replaces the list.  False: out of memory; then it is empty. */
bool tracked_read(struct tracked_list *list, const struct ledger *ledger);
/* tracked may be NULL. False: the thread is not tracked. */
bool tracked_find(const struct tracked_list *list, pid_t own_tid, struct tracked *tracked);
void tracked_release(struct tracked_list *list);

/* Adds to capture->threads those that only the ledger has, if both are in one pid namespace.  False: out of
 * memory. */
bool add_tracked(pid_t pid, struct signal_capture *capture, const struct tracked_list *list);

#endif
