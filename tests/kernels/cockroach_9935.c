/* A function that locks calls one that locks the same mutex on an error. */
#include "kernel.h"

struct log {
    pthread_mutex_t lock;
};

static void leave(struct log *log)
{
    pthread_mutex_lock(&log->lock);
    pthread_mutex_unlock(&log->lock);
}

static void *output_log_entry(void *arg)
{
    struct log *log = arg;
    pthread_mutex_lock(&log->lock);
    leave(log);
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

KERNEL(cockroach_9935)
{
    struct log *log = NEW(struct log);
    pthread_mutex_init(&log->lock, NULL);
    go(output_log_entry, log);
}
