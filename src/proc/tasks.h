/* The threads of a process, as /proc lists them: nothing is stopped. */
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
    uint64_t start_ticks; /* clock ticks after boot; 0: unknown */
};

struct task_list {
    struct task *tasks; /* by ascending tid */
    size_t count;
};

/* Every task of a process; ones that end while they are listed are left out.  False with errno: there is no
 * such process, it is not readable, or there is no memory; then the list is empty. */
bool process_tasks(pid_t pid, struct task_list *list);
void task_list_release(struct task_list *list);
/* NULL: not in the list. */
const struct task *task_list_find(const struct task_list *list, pid_t tid);

/*
 * Through which /proc/TASK the memory of a process can be read, and its exe, cmdline …: pid, or another
 * thread where the main thread has left by pthread_exit and is a zombie without memory until the others have
 * ended. pid also when no thread has any.
 */
pid_t task_with_memory(pid_t pid);

/* ---- arrays of structures that begin with a tid (pid_t, int32_t) ---- */

/* For qsort and bsearch. */
int compare_tids(const void *a, const void *b);
/* Sorts, and keeps one of those of each tid.  How many are left. */
size_t sort_tids(void *items, size_t count, size_t size);

#endif
