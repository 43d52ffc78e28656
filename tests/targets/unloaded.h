/* What unloaded.c and the libraries that it unloads share. */
#ifndef UNLOADED_H
#define UNLOADED_H

#include <pthread.h>
#include <semaphore.h>

/* Of the program, so it outlives the library. */
struct unloaded {
    sem_t begun, go;
    void (*wait)(struct unloaded *shared); /* posts `begun`, and waits for `go` */
    pthread_t thread;                      /* the latest */
};

typedef void unloaded_start(struct unloaded *shared);

#endif
