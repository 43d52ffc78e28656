/*
 * Threads that transfer much data again and again, each in a call that blocks many times: it returns less
 * only if something interrupts it. Prints "ready" when each has made a call. At the end of standard input
 * each ends with the call that it is in, and a line for each is printed: "NAME ok", or what is wrong.
 */
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
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MUCH = 1 << 20, THREADS = 4 };

struct row {
    const char *name;
    long (*call)(int fd);
    int fd, other; /* another process uses this end */
    pthread_t thread;
    atomic_ulong calls;
    unsigned long wrong;
    long first_wrong;
    int why;
};

static char much[MUCH], taken[MUCH];
static atomic_bool is_over;

static long in_write(int fd)
{
    return write(fd, much, MUCH);
}

static long in_writev(int fd)
{
    struct iovec from[2] = {{much, MUCH / 2}, {much, MUCH / 2}};
    return writev(fd, from, 2);
}

static long in_send(int fd)
{
    return send(fd, much, MUCH, 0);
}

static long in_recv(int fd)
{
    return recv(fd, taken, MUCH, MSG_WAITALL);
}

static struct row rows[THREADS] = {
    {.name = "write", .call = in_write},
    {.name = "writev", .call = in_writev},
    {.name = "send", .call = in_send},
    {.name = "recv", .call = in_recv},
};

static void *repeat(void *arg)
{
    struct row *row = arg;
    while (!atomic_load(&is_over)) {
        long n = row->call(row->fd);
        if (n != MUCH && !row->wrong++) {
            row->first_wrong = n;
            row->why = errno;
        }
        atomic_fetch_add(&row->calls, 1);
    }
    return NULL;
}

/* In another process, which ends when the other end is closed. */
static void serve(const struct row *row)
{
    static char here[1 << 16];
    while (row->call == in_recv ? write(row->other, much, MUCH) > 0
                                : read(row->other, here, sizeof(here)) > 0)
        ;
    _exit(0);
}

static void make_ends(struct row *row)
{
    int ends[2];
    bool is_pipe = row->call == in_write || row->call == in_writev;
    if ((is_pipe ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) != 0)
        abort();
    row->fd = ends[1];
    row->other = ends[0];
}

static void start(struct row *row)
{
    make_ends(row);
    pid_t pid = fork();
    if (pid == 0) {
        for (struct row *each = rows; each <= row; each++)
            close(each->fd);
        serve(row);
    }
    close(row->other);
    if (pid < 0 || pthread_create(&row->thread, NULL, repeat, row) != 0)
        abort();
}

static void print_row(const struct row *row)
{
    if (row->wrong)
        printf("%s: %lu of %lu calls are wrong, the first returned %ld (%s)\n", row->name, row->wrong,
               atomic_load(&row->calls), row->first_wrong, strerror(row->why));
    else
        printf("%s ok\n", row->name);
}

int main(void)
{
    for (struct row *row = rows; row < rows + THREADS; row++)
        start(row);
    for (struct row *row = rows; row < rows + THREADS; row++)
        while (!atomic_load(&row->calls))
            usleep(1000);
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    atomic_store(&is_over, true);
    for (struct row *row = rows; row < rows + THREADS; row++) {
        pthread_join(row->thread, NULL);
        print_row(row);
    }
    return 0;
}
