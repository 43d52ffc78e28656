/*
 * Start without stop.  A reload of the configuration starts a new server and forgets
 * the old one, whose thread still waits for work.  Right: it stops the old one first.
 */
#include "pattern.h"

struct server {
    pthread_t thread;
    sem_t work;
    bool stopping;
};

static struct server *current;

static void *serve(void *arg)
{
    struct server *server = arg;
    do
        sem_wait(&server->work);
    while (!server->stopping);
    return NULL;
}

static NOINLINE void server_start(void)
{
    struct server *server = calloc(1, sizeof(*server));
    CHECK(server);
    sem_init(&server->work, 0, 0);
    server->thread = start(serve, server);
    current = server;
}

static NOINLINE void server_stop(void)
{
    current->stopping = true;
    sem_post(&current->work);
    pthread_join(current->thread, NULL);
    free(current);
    current = NULL;
}

static NOINLINE void reload(void)
{
    if (right)
        server_stop();
    server_start();
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    server_start();
    reload();
    server_stop();
    return end_example();
}
