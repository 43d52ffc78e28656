/*
 * For programs that perform one blocking system call in each thread, while reports are made. Each row of the
 * program's table is a call, the event that ends it, and what it must return then.
 *
 * Prints "ready" when all threads are blocked in their calls. After a line on standard input, it lets all
 * events happen, and prints a line for each row: "NAME ok", "NAME skipped: WHY", or what is wrong. A timed
 * call ends without an event.
 */
#ifndef CALLS_H
#define CALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROW(call_, event_, result_)                                            \
    {                                                                          \
        .name = #call_, .call = in_##call_, .event = event_, .result = result_ \
    }
#define HANGS(call_, spoil_)                                \
    {                                                       \
        .name = #call_, .call = in_##call_, .spoil = spoil_ \
    }
#define TIMED(call_, seconds, result_, error_)                                                     \
    {                                                                                              \
        .name = #call_, .call = in_##call_, .least_s = seconds, .result = result_, .error = error_ \
    }

struct row {
    const char *name;
    long (*call)(struct row *row); /* prepares, sets is_near, and blocks; sets `skip` if that is impossible */
    void (*event)(struct row *row); /* ends the call; NULL: it must stay blocked, or it is timed */
    long result;                    /* that it must return */
    int error;                      /* errno, with result -1 */
    double least_s;                 /* of a timed call; 0: not timed */
    void (*spoil)(struct row *row); /* before "ready": what must not matter to the blocked call */
    const char *skip;
    int a, b, c; /* descriptors and the like, for the event */
    void *p;
    pthread_t thread;
    atomic_int tid;      /* 0: not started */
    atomic_bool is_near; /* the next call of the thread blocks */
    atomic_bool is_over;
    long returned;
    int why;
    double took_s;
};

/* Any errno, for calls that do not exist on every kernel. */
static inline long skip(struct row *row, const char *why)
{
    row->skip = why;
    return 0;
}

static inline void near(struct row *row)
{
    atomic_store(&row->is_near, true);
}

static inline double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *perform(void *arg)
{
    struct row *row = arg;
    atomic_store(&row->tid, (int)syscall(SYS_gettid));
    double before = now_s();
    errno = 0;
    row->returned = row->call(row);
    row->why = errno;
    row->took_s = now_s() - before;
    atomic_store(&row->is_over, true);
    return NULL;
}

static char state_of(int tid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "re");
    if (file && !fgets(text, sizeof(text), file))
        text[0] = 0;
    if (file)
        fclose(file);
    const char *end = strrchr(text, ')');
    return end ? end[2] : 0;
}

static void await_blocked(struct row *row)
{
    while (!atomic_load(&row->is_over) &&
           !(atomic_load(&row->is_near) && strchr("SD", state_of(atomic_load(&row->tid)))))
        usleep(1000);
}

static void print_row(struct row *row)
{
    if (row->skip)
        printf("%s skipped: %s\n", row->name, row->skip);
    else if (!row->event && !row->least_s)
        printf(atomic_load(&row->is_over) ? "%s did not stay blocked: returned %ld, %s\n" : "%s ok\n",
               row->name, row->returned, strerror(row->why));
    else if (row->returned != row->result || (row->result < 0 && row->why != row->error))
        printf("%s returned %ld (%s), not %ld\n", row->name, row->returned, strerror(row->why), row->result);
    else if (row->took_s < row->least_s)
        printf("%s took %.3f s, not %.3f\n", row->name, row->took_s, row->least_s);
    else
        printf("%s ok\n", row->name);
}

static bool has_end(const struct row *row)
{
    return row->event || row->least_s > 0 || row->skip;
}

/* only: a row's name, or NULL for all. */
static int run_rows(struct row *rows, size_t count, const char *only)
{
    pthread_attr_t attr;
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    for (size_t i = 0; i < count; i++)
        if ((!only || strcmp(only, rows[i].name) == 0) &&
            pthread_create(&rows[i].thread, &attr, perform, &rows[i]) != 0)
            rows[i].skip = "no thread";
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].thread)
            continue;
        await_blocked(&rows[i]);
        if (rows[i].spoil && !rows[i].skip)
            rows[i].spoil(&rows[i]);
    }
    puts("ready");
    if (getchar() == EOF)
        return 1;
    for (size_t i = 0; i < count; i++)
        if (rows[i].thread && rows[i].event && !rows[i].skip && !atomic_load(&rows[i].is_over))
            rows[i].event(&rows[i]);
    for (size_t i = 0; i < count; i++)
        if (rows[i].thread && has_end(&rows[i]))
            pthread_join(rows[i].thread, NULL);
    for (size_t i = 0; i < count; i++)
        if (rows[i].thread)
            print_row(&rows[i]);
    fflush(stdout);
    _exit(0);
}

#endif
