/* The threads of a process, from /proc. Nothing is stopped. */
#ifndef THREADLEAK_PROC_TASKS_H
#define THREADLEAK_PROC_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct task {
    pid_t tid;
    char name[16];        /* "" unknown */
    char state;           /* R S D T t Z X …; 0: unknown */
    double cpu_s;         /* user + system; < 0: unknown */
    double idle_s;        /* since it last ran (proc/idle.h); < 0: unknown */
    uint64_t runs;        /* how often it has got a CPU; 0: unknown */
    int processor;        /* on which it last ran; -1: unknown */
    double age_s;         /* since it began, to a clock tick; valid with start_ticks */
    uint64_t start_ticks; /* clock ticks after boot; 0: unknown */
};

struct task_list {
    struct task *tasks; /* by ascending tid */
    size_t count;
};

/* Reads one task; idle_s stays unknown. False: no such task, or not readable. */
bool task_read(pid_t pid, pid_t tid, struct task *task);
/* Lists all tasks of a process, without tasks that end meanwhile. False with errno: no such process, not
 * readable, or out of memory; then the list is empty. */
bool process_tasks(pid_t pid, struct task_list *list);
void task_list_release(struct task_list *list);
/* NULL: not in the list. */
const struct task *task_list_find(const struct task_list *list, pid_t tid);

/*
 * The task whose /proc/TASK has the memory of a process, its exe, cmdline …. It is pid, unless the main
 * thread has called pthread_exit: then that is a zombie without memory, and this is another thread. pid also
 * if no thread has memory.
 */
pid_t task_with_memory(pid_t pid);

/* ---- arrays of structures that begin with a tid (pid_t, int32_t) ---- */

/* For qsort and bsearch. */
int compare_tids(const void *a, const void *b);
/* Sorts the array, and removes duplicates. Returns the new count. */
size_t sort_tids(void *items, size_t count, size_t size);

#endif
