#include <semaphore.h>
#include <stdlib.h>

#include "chan.h"

/* A thread in chan_select(), in its own stack; `next` for each channel. */
struct selecting {
    sem_t *event;
    struct selecting *next;
};

struct chan {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned room, held;
    unsigned long sent, received;
    bool closed;
    struct selecting *selecting;
};

void *allocate(unsigned long size)
{
    void *memory = calloc(1, size);
    if (!memory)
        abort();
    return memory;
}

void go(void *(*routine)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, routine, arg) != 0)
        abort();
    pthread_attr_destroy(&attr);
}

void rw_lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attr);
    pthread_rwlockattr_destroy(&attr);
}

/* ---- channels ---------------------------------------------------------------------- */

struct chan *chan_new(unsigned room)
{
    struct chan *chan = NEW(struct chan);
    pthread_mutex_init(&chan->lock, NULL);
    pthread_cond_init(&chan->changed, NULL);
    chan->room = room;
    return chan;
}

static void changed(struct chan *chan)
{
    pthread_cond_broadcast(&chan->changed);
    for (struct selecting *each = chan->selecting; each; each = each->next)
        sem_post(each->event);
}

void chan_send(struct chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    while (chan->held == (chan->room ? chan->room : 1))
        pthread_cond_wait(&chan->changed, &chan->lock);
    unsigned long number = ++chan->sent;
    chan->held++;
    changed(chan);
    while (chan->room == 0 && chan->received < number)
        pthread_cond_wait(&chan->changed, &chan->lock);
    pthread_mutex_unlock(&chan->lock);
}

static void take(struct chan *chan)
{
    if (chan->held == 0)
        return;
    chan->held--;
    chan->received++;
    changed(chan);
}

bool chan_receive(struct chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    while (chan->held == 0 && !chan->closed)
        pthread_cond_wait(&chan->changed, &chan->lock);
    bool is_value = chan->held > 0;
    take(chan);
    pthread_mutex_unlock(&chan->lock);
    return is_value;
}

void chan_close(struct chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    chan->closed = true;
    changed(chan);
    pthread_mutex_unlock(&chan->lock);
}

static void subscribe(struct chan *chan, struct selecting *own)
{
    pthread_mutex_lock(&chan->lock);
    own->next = chan->selecting;
    chan->selecting = own;
    pthread_mutex_unlock(&chan->lock);
}

static void unsubscribe(struct chan *chan, const struct selecting *own)
{
    pthread_mutex_lock(&chan->lock);
    struct selecting **link = &chan->selecting;
    while (*link != own)
        link = &(*link)->next;
    *link = own->next;
    pthread_mutex_unlock(&chan->lock);
}

static bool try_receive(struct chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    bool is_ready = chan->held > 0 || chan->closed;
    take(chan);
    pthread_mutex_unlock(&chan->lock);
    return is_ready;
}

static int first_ready(struct chan **chans, int count)
{
    int number = 0;
    while (number < count && !try_receive(chans[number]))
        number++;
    return number;
}

int chan_select(struct chan **chans, int count)
{
    struct selecting own[count];
    sem_t event;
    int number;
    sem_init(&event, 0, 0);
    for (int i = 0; i < count; i++) {
        own[i].event = &event;
        subscribe(chans[i], &own[i]);
    }
    while ((number = first_ready(chans, count)) == count)
        sem_wait(&event);
    for (int i = 0; i < count; i++)
        unsubscribe(chans[i], &own[i]);
    sem_destroy(&event);
    return number;
}

/* ---- wait groups ------------------------------------------------------------------- */

struct wait_group {
    pthread_mutex_t lock;
    pthread_cond_t all_done;
    int count;
};

struct wait_group *wait_group_new(int count)
{
    struct wait_group *group = NEW(struct wait_group);
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->all_done, NULL);
    group->count = count;
    return group;
}

void wait_group_done(struct wait_group *group)
{
    pthread_mutex_lock(&group->lock);
    if (--group->count == 0)
        pthread_cond_broadcast(&group->all_done);
    pthread_mutex_unlock(&group->lock);
}

void wait_group_wait(struct wait_group *group)
{
    pthread_mutex_lock(&group->lock);
    while (group->count > 0)
        pthread_cond_wait(&group->all_done, &group->lock);
    pthread_mutex_unlock(&group->lock);
}
