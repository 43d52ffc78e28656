/* status() asks the loop of a node that has just stopped. */
#include "kernel.h"

struct node {
    struct chan *stop, *done, *status;
};

static void *run_node(void *arg)
{
    struct node *node = arg;
    struct chan *inputs[] = {node->stop, node->status};
    while (chan_select(inputs, 2) != 0)
        ;
    chan_close(node->done);
    return NULL;
}

static void *get_status(void *arg)
{
    struct node *node = arg;
    chan_send(node->status);
    return NULL;
}

static __attribute__((noinline)) void stop_node(struct node *node)
{
    chan_send(node->stop);
    chan_receive(node->done);
}

static __attribute__((noinline)) void test(void)
{
    struct node *node = NEW(struct node);
    node->stop = chan_new(0);
    node->done = chan_new(0);
    node->status = chan_new(0);
    go(run_node, node);
    stop_node(node);
    go(get_status, node);
}

KERNEL(etcd_6857)
{
    test();
}
