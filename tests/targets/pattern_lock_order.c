/*
 * Locks in different order.  Each transfer locks the account that it takes from, and
 * then the other one.  Two transfers in opposite directions block each other.  Right:
 * the account with the lower address is locked first.
 */
#include "pattern.h"

struct account {
    pthread_mutex_t lock;
    long balance;
};

struct order {
    struct account *from, *to;
};

static struct account savings = {PTHREAD_MUTEX_INITIALIZER, 10};
static struct account current = {PTHREAD_MUTEX_INITIALIZER, 10};
static pthread_barrier_t both_began;

static void lock_both(struct account *first, struct account *second)
{
    pthread_mutex_lock(&first->lock);
    if (!right)
        pthread_barrier_wait(&both_began); /* the bad moment, which is rare in life */
    pthread_mutex_lock(&second->lock);
}

static void *transfer(void *arg)
{
    const struct order *order = arg;
    if (right && order->to < order->from)
        lock_both(order->to, order->from);
    else
        lock_both(order->from, order->to);
    order->from->balance--;
    order->to->balance++;
    pthread_mutex_unlock(&order->to->lock);
    pthread_mutex_unlock(&order->from->lock);
    return NULL;
}

int main(int argc, char **argv)
{
    struct order there = {&savings, &current}, back = {&current, &savings};
    choose(argc, argv);
    pthread_barrier_init(&both_began, NULL, 2);
    pthread_t first = start(transfer, &there), second = start(transfer, &back);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    return end_example();
}
