/* Threads that tests make up, and the findings over them. */
#ifndef THREADLEAK_TESTS_FIND_MADE_H
#define THREADLEAK_TESTS_FIND_MADE_H

#include <check.h>

#include "find/find.h"

#define MAX_THREADS 40

extern struct thread_stack find_threads[MAX_THREADS];
extern struct stacks find_stacks;
extern struct evidence find_evidence;
extern struct findings found;

/* A test case with a fixture that begins without threads. */
TCase *find_made_case(const char *name);

/* A thread with the next tid, from 101 on. */
struct wait *find_add(enum wait_on on, const char *what);
struct wait *find_add_lock(pid_t owner);
struct wait *find_add_join(pid_t joined);
/* A thread that waits for the condition variable at this address, and nothing refers to it. All of them have
 * one stack. */
struct thread_stack *find_add_stuck(uint64_t address, const char *what);

/* The findings, which must be so many. */
const struct finding *find_all(size_t count);

#endif
