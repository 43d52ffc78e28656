/*
 * Double send.  A queue has room for one message, and the caller takes one.  On an
 * error the worker sends the error, and then sends "done" as well.  The second send
 * waits for ever.  Right: it returns after the first.
 */
#include "pattern.h"

struct slot {
    sem_t room, filled;
    const char *message;
};

static void send_message(struct slot *slot, const char *message)
{
    sem_wait(&slot->room);
    slot->message = message;
    sem_post(&slot->filled);
}

static void *copy_file(void *arg)
{
    struct slot *slot = arg;
    bool failed = true;
    if (failed)
        send_message(slot, "disk full");
    if (!failed || !right)
        send_message(slot, "done");
    return NULL;
}

static NOINLINE void copy_and_wait(void)
{
    struct slot *slot = calloc(1, sizeof(*slot));
    CHECK(slot);
    sem_init(&slot->room, 0, 1);
    sem_init(&slot->filled, 0, 0);
    pthread_t copier = start(copy_file, slot);
    sem_wait(&slot->filled);
    if (right) {
        CHECK(pthread_join(copier, NULL) == 0);
        free(slot);
    } else {
        CHECK(pthread_detach(copier) == 0);
    }
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    copy_and_wait();
    return end_example();
}
