/* One thread that is traced by ptrace. Only the tracing thread may call these, except tracee_reap. */
#ifndef THREADLEAK_SNAPSHOT_TRACEE_H
#define THREADLEAK_SNAPSHOT_TRACEE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc/call.h"
#include "snapshot/awake.h"

enum tracee_state {
    TRACEE_NEW,
    TRACEE_SEIZED,  /* we trace it, and it runs */
    TRACEE_PENDING, /* interrupted, and not stopped yet */
    TRACEE_STOPPED,
    TRACEE_STUCK, /* interrupted, and did not stop in time */
    TRACEE_ENDED,
    TRACEE_REFUSED,   /* error in why */
    TRACEE_UNSTOPPED, /* it is left running: in its system call, or from one to the next */
};

struct tracee {
    pid_t tid;
    enum tracee_state state;
    bool attached;         /* we trace it */
    int signal;            /* to be delivered when it is resumed; 0: none */
    int why;               /* errno */
    bool in_group_stop;    /* SIGSTOP or the like holds the process */
    struct task_call call; /* before the stop */
    uint64_t runs_before;  /* task.runs just before; 0: unknown */
    long call_nr;          /* of the call that the kernel has started again, else call.nr */
    struct awake awake;    /* of a running thread */
    bool moved;            /* unstopped_set_moved */
};

/* Attaches to the thread, if we do not trace it yet. It continues to run. seizing is odd during the call:
 * PTRACE_SEIZE may block for ever, and only then may the calling thread be cancelled. */
void tracee_seize(struct tracee *tracee, pid_t pid, atomic_uint *seizing);
/* Makes a seized thread stop soon. */
void tracee_interrupt(struct tracee *tracee);
/* Sets the state and returns true if the thread has stopped or ended; does not block. */
bool tracee_poll(struct tracee *tracee, pid_t pid);
/* After this time without progress, pending threads are checked. */
bool tracee_may_be_stuck(uint64_t idle_ns, uint64_t wait_ns);
/* The state letter in /proc/PID/task/TID/stat; 0: unknown. */
char tracee_task_state(const struct tracee *tracee, pid_t pid);
/* Checks a thread that was interrupted `idle_ns` ago: notices its end, marks it as stuck after `wait_ns`,
 * else interrupts it again. some_starve: a thread of the process waits for a CPU. */
void tracee_check_pending(struct tracee *tracee, pid_t pid, uint64_t idle_ns, uint64_t wait_ns,
                          bool some_starve);
/* Resumes a stopped thread and detaches from it. */
void tracee_resume(struct tracee *tracee, pid_t pid);
/* The same, but it goes on at this address with all signals blocked, and its system call is not restarted. If
 * that fails, it goes on where it was. */
void tracee_park(struct tracee *tracee, pid_t pid, uint64_t address);
/* Waits for a thread that has ended, so that its end is complete. Any thread may call it. */
void tracee_reap(pid_t tid);

#endif
