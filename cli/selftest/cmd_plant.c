/*
 * `threadleak _plant KIND`: leaks threads on purpose, for `selftest`. Its functions are
 * exported (plant.list), so that reports have their names also when this program is
 * stripped. It is hidden from the help.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/selftest/selftest.h"

/* Each must be in a backtrace: neither inlined, nor left by a tail call. */
#define NAMED __attribute__((used, visibility("default")))
#define PLANTED NAMED __attribute__((noinline))
#define STAY_ON_STACK() __asm__ volatile("" ::: "memory")

#define LONGEST_S 60 /* seconds until a planted program ends by itself */

void *plant_waits(void *arg);
void *plant_ends(void *arg);
void *plant_exits(void *arg);
void plant_running(void);
void plant_detached(void);
void plant_unjoined(void);
void plant_clean(void);
void plant_child(void);
void plant_exit(void);
void plant_live(void);

NAMED pthread_mutex_t plant_mutex = PTHREAD_MUTEX_INITIALIZER;
NAMED pthread_cond_t plant_condition = PTHREAD_COND_INITIALIZER;
static _Atomic int waiting;
static _Atomic pid_t ended_tid;

/* ---- what the threads do ------------------------------------------------------------- */

PLANTED void *plant_waits(void *arg)
{
    pthread_mutex_lock(&plant_mutex);
    waiting++;
    for (;;)
        pthread_cond_wait(&plant_condition, &plant_mutex);
    return arg;
}

PLANTED void *plant_ends(void *arg)
{
    ended_tid = (pid_t)syscall(SYS_gettid);
    return arg;
}

PLANTED void *plant_exits(void *arg)
{
    (void)arg;
    exit(0);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

__attribute__((noinline)) static pthread_t start(void *(*routine)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, routine, NULL) == 0)
        return thread;
    fputs("_plant: no thread could be created\n", stderr);
    _exit(2);
}

/* Waits until they block, because reports also say what they wait for. */
static void wait_for_waiters(int count)
{
    bool there = false;
    while (!there) {
        pthread_mutex_lock(&plant_mutex); /* a waiter releases it when it waits */
        there = waiting >= count;
        pthread_mutex_unlock(&plant_mutex);
        if (!there)
            pause_ms(1);
    }
}

/* ---- the kinds -------------------------------------------------------------------------- */

PLANTED void plant_running(void)
{
    /* An unrolled loop would have two creation sites. */
    for (volatile int i = 0; i < SELFTEST_RUNNING; i++)
        start(plant_waits);
    wait_for_waiters(SELFTEST_RUNNING);
    STAY_ON_STACK();
}

PLANTED void plant_detached(void)
{
    pthread_detach(start(plant_waits));
    wait_for_waiters(1);
    STAY_ON_STACK();
}

PLANTED void plant_unjoined(void)
{
    char path[64];
    start(plant_ends);
    while (!ended_tid)
        pause_ms(1);
    snprintf(path, sizeof(path), "/proc/self/task/%d", (int)ended_tid);
    while (access(path, F_OK) == 0)
        pause_ms(1);
    STAY_ON_STACK();
}

PLANTED void plant_clean(void)
{
    for (int i = 0; i < 3; i++)
        pthread_join(start(plant_ends), NULL);
}

/* The child executes this program again, which leaks. */
PLANTED void plant_child(void)
{
    int status;
    char *argv[] = {(char[]){"threadleak"}, (char[]){"_plant"}, (char[]){"running"}, NULL};
    pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", argv);
        _exit(2);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        _exit(2);
}

PLANTED void plant_exit(void)
{
    start(plant_waits);
    wait_for_waiters(1);
    start(plant_exits);
    for (;;)
        pause();
}

/* Prints that it is ready, and runs until its standard input ends. */
PLANTED void plant_live(void)
{
    char byte;
    plant_running();
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        _exit(2);
    while (read(STDIN_FILENO, &byte, 1) != 0)
        ;
    STAY_ON_STACK();
}

static int run(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*plant)(void);
    } kinds[] = {
        {"running", plant_running}, {"detached", plant_detached}, {"unjoined", plant_unjoined},
        {"clean", plant_clean},     {"child", plant_child},       {"exit", plant_exit},
        {"live", plant_live},
    };
    for (size_t i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(argv[1], kinds[i].name)) {
            alarm(LONGEST_S);
            kinds[i].plant();
            return STATUS_REPORTED;
        }
    cli_message("_plant is for 'threadleak selftest' only; see 'threadleak help'");
    return STATUS_CANNOT;
}

const struct command command_plant = {
    .name = "_plant", .summary = "leak threads, for selftest", .hidden = true, .run = run};
