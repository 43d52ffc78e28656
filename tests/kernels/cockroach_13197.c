/* A transaction waits for its context to end, and nobody cancels the context. */
#include "kernel.h"

struct transaction {
    struct chan *context;
};

static void *await_done(void *arg)
{
    struct transaction *transaction = arg;
    chan_receive(transaction->context);
    return NULL;
}

static __attribute__((noinline)) struct transaction *begin(void)
{
    struct transaction *transaction = NEW(struct transaction);
    transaction->context = chan_new(0);
    go(await_done, transaction);
    return transaction;
}

KERNEL(cockroach_13197)
{
    begin();
}
