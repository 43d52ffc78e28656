/*
 * For programs in which a thread waits for a gate, and the only reference to the gate is kept in the place
 * that the first argument names. A second argument, "end": the program ends, else it stays. Without arguments
 * it prints the names of its places.
 */
#ifndef KEPT_H
#define KEPT_H

#include "target.h"

#include <alloca.h>
#include <stdbool.h>

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    int is_open;
    pid_t tid;
    char more[40];
};

/* The reference is not aligned. */
struct __attribute__((packed)) message {
    char type;
    void *gate;
};

struct place {
    const char *name;
    void (*keep)(void *gate);
    bool has_own_wait; /* keep() gets no gate */
};

#define PLACE(name_, keep_)           \
    {                                 \
        .name = #name_, .keep = keep_ \
    }

static void *wait_at(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mutex);
    gate->tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    while (!gate->is_open)
        pthread_cond_wait(&gate->opened, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return NULL;
}

static void await_asleep(pid_t tid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    while (!strstr(text, ") S ")) {
        FILE *file = fopen(path, "r");
        CHECK(file && fgets(text, sizeof(text), file));
        fclose(file);
    }
}

static struct gate *make_gate_for(void *(*wait)(void *))
{
    struct gate *gate = calloc(1, sizeof(*gate));
    CHECK(gate);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->opened, NULL);
    pthread_detach(start(wait, gate));
    await_ready(1);
    pthread_mutex_lock(&gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    await_asleep(gate->tid);
    return gate;
}

static struct gate *make_gate(void)
{
    return make_gate_for(wait_at);
}

/* No old copy of the reference remains on the stack. */
static NOINLINE void clean_stack(void)
{
    memset(alloca(65536), 0, 65536);
    __asm__ volatile("" : : : "memory");
}

static NOINLINE void make_and_keep(const struct place *place)
{
    place->keep(place->has_own_wait ? NULL : make_gate());
}

/* For all threads, so that such a signal stays pending. */
static void block_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* What main() of each such program does. */
static int keep(const struct place *places, size_t count, int argc, char **argv)
{
    block_signal();
    for (size_t i = 0; i < count; i++)
        if (argc > 1 && strcmp(argv[1], places[i].name) == 0)
            make_and_keep(&places[i]);
        else if (argc == 1)
            puts(places[i].name);
    if (argc == 1)
        return 0;
    clean_stack();
    puts("ready");
    fflush(stdout);
    if (argc == 2)
        stay(NULL);
    return 0;
}

#endif
