/* start() writes to a channel that is already full; its reader is only started afterwards. */
#include "kernel.h"

static void *compact(void *suggestions)
{
    chan_receive(suggestions);
    return NULL;
}

KERNEL(cockroach_24808)
{
    struct chan *suggestions = chan_new(1);
    chan_send(suggestions);
    chan_send(suggestions);
    go(compact, suggestions);
}
