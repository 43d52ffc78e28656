/* A library for dlmopen: its libc is not the one with the hooks. */
#include "target.h"

void run(int ends);

void run(int ends)
{
    pthread_join(start(nothing, NULL), NULL);
    if (ends)
        exit(5);
}
