/* Names of objects in a process's memory. */
#ifndef THREADLEAK_WAIT_NAME_H
#define THREADLEAK_WAIT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "wait/wait.h"
#include "wait/module.h"

struct object_name {
    uint64_t address;
    enum object_place place;
    pid_t owner;
    char *text; /* "queue_lock", "pool+0x18", "heap", "libx.so+0x4010", "shared memory", "/dev/shm/queue";
                   NULL: a stack, or unknown */
};

struct object_names;

/* The modules must outlive the names.  NULL: out of memory. */
struct object_names *object_names_new(const struct wait_context *context, const struct modules *modules);
void object_names_free(struct object_names *names);
/* Results are cached. NULL: out of memory. */
const struct object_name *object_name(struct object_names *names, uint64_t address);

#endif
