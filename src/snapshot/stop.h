/* Stops the threads of a process by ptrace and resumes them. Only the tracing thread may call these, except
 * stop_count_threads and stop_reap. */
#ifndef THREADLEAK_SNAPSHOT_STOP_H
#define THREADLEAK_SNAPSHOT_STOP_H

#include <stddef.h>

#include "snapshot/snapshot.h"
#include "snapshot/tracee.h"

struct stop {
    pid_t pid;
    struct tracee *tracees; /* by ascending tid */
    size_t count;
    uint64_t wait_ns;              /* for threads that do not stop */
    const struct task_list *tasks; /* snapshot_options; NULL: none */
    uint64_t park;                 /* snapshot_options; 0: none */
    pid_t park_not;
    bool listed;         /* the threads were listed before */
    uint64_t began_ns;   /* when the first thread was interrupted; 0: none was */
    uint64_t stopped_ns; /* set by stop_end */
    bool complete;       /* no thread was created that is not a tracee */
    atomic_uint seizing; /* argument of tracee_seize */
};

/* The number of threads, from the link count of /proc/PID/task; 0: no such process. */
size_t stop_count_threads(pid_t pid);
/* Lists the threads of the process, and attaches to those that are not left running. It does not stop them
 * yet. False with errno: out of memory, or no such process. */
bool stop_list(struct stop *stop);
/* Adds a thread to the tracees.  False: out of memory. */
bool stop_add(struct stop *stop, pid_t tid);
/* Attaches to the added threads, except those that are left running. */
void stop_seize(struct stop *stop);
/* Stops the tracees that are seized. */
void stop_seized(struct stop *stop);
/* Does the process have no other threads than those that are stopped or left running? */
bool stop_knows_all(const struct stop *stop);
/* Stops all tracees; with `others`, also threads that are created meanwhile. */
void stop_begin(struct stop *stop, bool others);
/* Resumes or parks all.  The kernel releases those that did not stop when the calling thread ends:
 * ptrace cannot detach from a running thread. */
void stop_end(struct stop *stop);
/*
 * Reaps ended threads of the process. Another thread calls it while the tracing thread may be blocked:
 * PTRACE_SEIZE waits for an execve, and execve waits for the end of all other threads. A tracee ends only
 * when its tracer has waited for it.
 */
void stop_reap(pid_t pid);
void stop_release(struct stop *stop);

/* ---- why a process or thread could not be stopped, and what would allow it (refused.c) ---- */

/* The tracer of a refused thread; 0: it has no tracer any more. */
pid_t snapshot_tracer(const struct stop *stop);
/* May another attempt succeed for a refused thread? True if another threadleak traces it, or if its tracer
 * has detached meanwhile. */
bool snapshot_is_passing(const struct stop *stop);
/* Why no thread at all could be stopped.  why: errno, or 0. */
enum snapshot_status snapshot_explain(const struct stop *stop, int why, struct error *error);

#endif
