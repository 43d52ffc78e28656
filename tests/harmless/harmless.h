/*
 * What POSIX, C11 and the manual of glibc document about threads and processes, one line for each fact.
 * `harmless` runs every test in a process of its own, `harmless NAME...` these. A line is "WHAT: VALUE", and
 * after a wrong value ", not WANTED". tests/e2e/harmless_suite.py compares the lines of a watched process
 * with those of one that is not watched.
 *
 * To add one: a TEST in the file of its noun. It must print the same lines at each run, on a busy machine as
 * well.
 */
#ifndef HARMLESS_H
#define HARMLESS_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct test {
    const char *name, *status;
    void (*run)(void);
};

/* The process returns from main with 0. */
#define TEST(name) TEST_ENDS(name, "exit 0")

/* status: how its process ends, as status_text() returns it. */
#define TEST_ENDS(test_name, status)                                                           \
    static void test_name(void);                                                               \
    static const struct test row_of_##test_name                                                \
        __attribute__((section("tests"), used, aligned(8))) = {#test_name, status, test_name}; \
    static void test_name(void)

/* Print one line each. They are async-signal-safe. */
void is(const char *what, long value, long wanted);
void text_is(const char *what, const char *value, const char *wanted);

/* Letters in the order of events; async-signal-safe. */
void happened(char letter);
const char *happenings(void);

/* "exit 3", "signal 6". Each text is valid until the next call. */
const char *status_text(int wait_status);

/* Waits for a child. */
const char *status_of_pid(pid_t child);

/* Runs the function in a forked child, which ends with exit(0) if it returns; the status. */
const char *status_of(void (*run)(void));

/* Start routines: it returns its argument; it waits as long as the process lives. */
void *nothing(void *arg);
void *wait_for_ever(void *arg);

/* Creates a thread, or ends the process. */
pthread_t begin(void *(*routine)(void *), void *arg);
/* What it returned. */
void *joined(pthread_t thread);
/* Both. */
void *run_thread(void *(*routine)(void *), void *arg);

/* A page of zeros that forked children share. */
void *shared_page(void);

/* Milliseconds from now. */
struct timespec after_ms(clockid_t clock, long ms);
void sleep_ms(long ms);

/* Waits until the thread of this process sleeps in the kernel, or has ended. */
void await_asleep(pid_t tid);
void await_ended(pid_t tid);
pid_t own_tid(void);
int count_tasks(void);

#endif
