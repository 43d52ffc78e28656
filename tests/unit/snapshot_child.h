/* Child processes for tests, which run a function of the test. */
#ifndef SNAPSHOT_CHILD_H
#define SNAPSHOT_CHILD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* What pause() of libc calls. */
#ifdef SYS_pause
#define CALL_OF_PAUSE SYS_pause
#else
#define CALL_OF_PAUSE SYS_ppoll
#endif

enum { PATIENCE_S = 200 }; /* for what comes at once, but on a busy machine */

/* Shared with the children. */
struct shared {
    atomic_int ready;      /* threads that are where they should be */
    atomic_int release;    /* they may go on */
    atomic_long counter;   /* goes up as long as they run */
    atomic_int signals;    /* handled */
    atomic_int returned;   /* of calls that should still be blocked */
    atomic_int result[64]; /* of those: errno, or 0 */
    atomic_int extra;
};

extern struct shared *shared;

/* Resets `shared` and runs in a child, which ends by SIGKILL with its parent. */
pid_t child_start(void (*run)(void));
void child_end(pid_t pid);
void child_ready(void); /* one more */
void wait_ready(int count);
/* Until every task of the process is in one of these states; false: after PATIENCE_S. */
bool wait_for_states(pid_t pid, const char *states);
/* States of all tasks, as of /proc/TID/stat; how many are in one of these. */
int count_states(pid_t pid, const char *states);
pthread_t start_thread(void *(*run)(void *), void *arg);
double now_s(void);

/* In the child: ready, and then idle for ever; the second is for start_thread. */
_Noreturn void wait_forever(void);
void *wait_in_thread(void *arg);
/* For child_start: two threads that wait so. */
void run_two(void);

#endif
