/* Facts of a process and its threads from /proc, without stopping anything. */
#ifndef THREADLEAK_PROC_PROCESS_H
#define THREADLEAK_PROC_PROCESS_H

#include <stdbool.h>
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

/* Every task of a process; ones that end while being listed are left out.
 * False with errno when the process is not there or not readable. */
bool process_tasks(pid_t pid, struct task_list *list);
void task_list_release(struct task_list *list);
const struct task *task_list_find(const struct task_list *list, pid_t tid);

/* False once it is a zombie whole; one whose main thread alone has left exists. */
bool process_exists(pid_t pid);
/* Does the process map a file of this basename (the shim)? */
bool process_maps_file(pid_t pid, const char *basename);
/* Malloc'ed target of /proc/PID/exe without " (deleted)", or NULL. */
char *process_exe(pid_t pid);
/* Malloc'ed argv, NULL-terminated, free with process_argv_free; NULL: not readable. */
char **process_argv(pid_t pid);
void process_argv_free(char **argv);
pid_t process_parent(pid_t pid); /* 0: unknown */

#endif
