/*
 * Watches a process that runs already: without the shim, a restart, injected code or ptrace.
 *
 * The kernel records each call of pthread_create, pthread_join and pthread_detach of its libc (uprobes), with
 * registers and the top of the stack, and the start and end of each thread. Stacks are unwound from these
 * copies. A ledger is written, which all other commands read. The state of a thread is confirmed from its
 * descriptor in glibc: a join or detach that no record shows is found there.
 */
#ifndef THREADLEAK_ATTACH_ATTACH_H
#define THREADLEAK_ATTACH_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct attach;

struct attach_options {
    bool system_wide; /* one event a CPU, which every process with this libc hits */
    /* Of each creation that are copied, a multiple of 8. 0: ATTACH_STACK_FIRST, and twice as many each time
     * that more than one stack of a hundred is deeper. */
    uint32_t stack_bytes;
};
enum { ATTACH_STACK_FIRST = 8192, ATTACH_STACK_MAX = 60000 };

struct attach_counts {
    uint64_t created, alive, unjoined, lost;
    uint64_t cut;          /* of the created: whose stack is deeper than its copy */
    uint32_t enough_bytes; /* with which fewer would be cut */
    uint64_t older;        /* threads that existed before */
};

enum attach_status {
    ATTACH_OK,
    ATTACH_ENDED, /* the process has ended, or runs another program */
    ATTACH_FAILED
};

/* NULL with an error: no permission, no such process, a libc without the functions … */
struct attach *attach_new(pid_t pid, const struct attach_options *options, struct error *error);
/* Records what happened, and waits for more for at most some 100 ms. */
enum attach_status attach_step(struct attach *attach, struct error *error);
/* The same, and compares all threads with glibc's descriptors now. attach_step puts that off where it takes
 * long. */
enum attach_status attach_confirm(struct attach *attach, struct error *error);
struct attach_counts attach_count(const struct attach *attach);
/* Removes the probes and the ledger. */
void attach_free(struct attach *attach);

#endif
