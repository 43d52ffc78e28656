/* Stops threads by ptrace and lets them go; only for the thread that called stop_*. */
#ifndef THREADLEAK_SNAPSHOT_STOP_H
#define THREADLEAK_SNAPSHOT_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum tracee_state {
    TRACEE_NEW,
    TRACEE_SEIZED,  /* ours, running */
    TRACEE_PENDING, /* told to stop */
    TRACEE_STOPPED,
    TRACEE_STUCK, /* told to stop, and did not */
    TRACEE_ENDED,
    TRACEE_REFUSED, /* error in why */
};

struct tracee {
    pid_t tid;
    enum tracee_state state;
    int signal;         /* to be delivered when it goes on; 0: none */
    int why;            /* errno */
    bool in_group_stop; /* SIGSTOP or the like holds the process */
};

struct stop {
    pid_t pid;
    struct tracee *tracees; /* by ascending tid */
    size_t count;
    uint64_t wait_ns;    /* for those that do not stop */
    uint64_t began_ns;   /* when the first one was told to; 0: none was */
    uint64_t stopped_ns; /* set by stop_end */
    bool complete;       /* no thread was created behind our back */
    atomic_uint seizing; /* odd: in PTRACE_SEIZE, where alone the thread may be cancelled */
};

/* From the number of links of /proc/PID/task, without listing it; 0: no such process. */
size_t stop_count_threads(pid_t pid);
/* Lists the threads of the process and attaches to them; none is stopped yet.
 * False with errno: out of memory, or no such process. */
bool stop_list(struct stop *stop);
bool stop_add(struct stop *stop, pid_t tid);
/* Attaches to the ones that were added. */
void stop_seize(struct stop *stop);
/* Stops all; with `others`, also threads that were created meanwhile. */
void stop_begin(struct stop *stop, bool others);
/* Lets all go on.  The ones that did not stop are let go at the caller's exit:
 * ptrace has no detaching from a running thread. */
void stop_end(struct stop *stop);
/*
 * For another thread, while the tracing one may be stuck: PTRACE_SEIZE waits for a
 * thread of the process that is in execve, which waits for the end of the others,
 * and of those that are ours already it only ends when it has been waited for.
 */
void stop_bury(pid_t pid);
void stop_release(struct stop *stop);

#endif
