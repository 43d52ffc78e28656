/* The outbox ends without closing its channel, which is full. */
#include "kernel.h"

enum { ROWS = 16 };

static void *push(void *rows)
{
    chan_send(rows);
    return NULL;
}

static void *run_outbox(void *started)
{
    wait_group_done(started); /* it fails at its start */
    return NULL;
}

KERNEL(cockroach_35073)
{
    struct chan *rows = chan_new(ROWS);
    struct wait_group *started = wait_group_new(1);
    for (int i = 0; i < ROWS; i++)
        chan_send(rows);
    go(push, rows);
    go(run_outbox, started);
    wait_group_wait(started);
    chan_send(rows);
}
