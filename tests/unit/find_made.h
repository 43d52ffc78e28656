/* Threads that tests make up, and the findings over them. */
#ifndef THREADLEAK_TESTS_FIND_MADE_H
#define THREADLEAK_TESTS_FIND_MADE_H

#include <check.h>

#include "find/find.h"

#define MAX_THREADS 40

extern struct thread_stack threads[MAX_THREADS];
extern struct stacks stacks;
extern struct evidence evidence;
extern struct findings findings;

/* A test case with a fixture that begins without threads. */
TCase *find_made_case(const char *name);

/* A thread with the next tid, from 101 on. */
struct wait *add(enum wait_on on, const char *what);
struct wait *add_lock(pid_t owner);
struct wait *add_join(pid_t joined);
/* A thread that waits for the condition variable at this address, and nothing refers to it. All of them have
 * one stack. */
struct thread_stack *add_stuck(uint64_t address, const char *what);

/* The findings, which must be so many. */
const struct finding *find(size_t count);

#endif
