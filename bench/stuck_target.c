/* stuck_target MIB THREADS: threads that nothing can wake, and a linked list of so many MiB. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
};

struct node {
    struct node *next, *other;
    char bytes[48];
};

static sem_t ready;
static struct node *head;

static void *wait_at(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->lock);
    sem_post(&ready);
    for (;;)
        pthread_cond_wait(&gate->opened, &gate->lock);
    return NULL;
}

int main(int argc, char **argv)
{
    long nodes = argc > 2 ? atol(argv[1]) * (1 << 20) / 80 : 0, threads = argc > 2 ? atol(argv[2]) : 0;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    for (long i = 0; i < threads; i++) {
        struct gate *gate = calloc(1, sizeof(*gate));
        if (!gate || pthread_create(&thread, &attributes, wait_at, gate) != 0)
            return 1;
        sem_wait(&ready);
    }
    for (long i = 0; i < nodes; i++) {
        struct node *node = malloc(sizeof(*node));
        if (!node)
            return 1;
        *node = (struct node){.next = head, .other = i % 3 ? head : NULL};
        memset(node->bytes, (int)i, sizeof(node->bytes));
        head = node;
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
