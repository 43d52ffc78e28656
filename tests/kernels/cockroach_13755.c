/* The rows of a query are never closed, so the thread that waits for that stays. */
#include "kernel.h"

struct rows {
    struct chan *closed;
    int number;
};

static void *await_close(void *arg)
{
    struct rows *rows = arg;
    chan_receive(rows->closed);
    return NULL;
}

static __attribute__((noinline)) int query(void)
{
    struct rows *rows = NEW(struct rows);
    rows->closed = chan_new(0);
    rows->number = 1;
    go(await_close, rows);
    return rows->number; /* rows are not closed */
}

KERNEL(cockroach_13755)
{
    query();
}
