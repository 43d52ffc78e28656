/*
 * What a thread waits for, in a few words and without a stop: "poll", "sleep", "futex", "read of pipe". The
 * words are those with which struct wait.text begins; the object of a futex is unknown without the thread's
 * stack.
 *
 *     struct wait_brief_reader *reader = wait_brief_new(pid);       for one sample: descriptors are used
 * again for each thread that sleeps wait_brief_read(reader, tid, text); wait_brief_free(reader);
 */
#ifndef THREADLEAK_WAIT_BRIEF_H
#define THREADLEAK_WAIT_BRIEF_H

#include <stdbool.h>
#include <sys/types.h>

enum { WAIT_BRIEF = 40 /* bytes of the text */ };

struct wait_brief_reader;

/* NULL: out of memory. */
struct wait_brief_reader *wait_brief_new(pid_t pid);
void wait_brief_free(struct wait_brief_reader *reader); /* NULL: nothing */

/*
 * From the thread's system call (proc_pid_syscall(5)), which takes the right to trace the process. Without
 * it, or if kinds.def has no row for the call, from the kernel's function in which it sleeps
 * (proc_pid_wchan(5)). False, and text is "": it runs, or its wait is unknown.
 */
bool wait_brief_read(struct wait_brief_reader *reader, pid_t tid, char text[WAIT_BRIEF]);

#endif
