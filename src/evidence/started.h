/*
 * Where the threads of a live process started, for processes that are not watched. Each thread's start
 * routine is read once, from glibc's struct pthread in the memory of the process, and nothing is stopped. The
 * descriptors are found as a debugger does (libthread_db): by the lists of stacks in the loader's
 * _rtld_global, whose layout the symbols _thread_db_* of glibc 2.34 and later describe.
 *
 * The lists change while they are read. A thread that is missed is searched again in the next samples, and
 * then has an unknown start routine, as one that was made by clone(2) has.
 */
#ifndef THREADLEAK_EVIDENCE_STARTED_H
#define THREADLEAK_EVIDENCE_STARTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot/elf.h"
#include "symbolize/symbolize.h"

/* The live threads that began in one function. */
struct started_routine {
    uint64_t address;          /* 0: unknown */
    struct code_address place; /* without a module if that is not known */
    uint8_t build_id[SNAPSHOT_BUILD_ID];
    uint64_t alive;        /* threads now */
    uint64_t oldest_ticks; /* start time of the oldest of them, clock ticks after boot; 0: none, unknown */
};

struct started_threads;

/* NULL: no such process, or out of memory. */
struct started_threads *started_open(pid_t pid);
void started_free(struct started_threads *started);

/* Lists the threads, without the main thread, and reads the start routines of new ones. Not each time, if
 * their number did not change: listing 10,000 takes 20 ms. tasks: how many there are now, with the main
 * thread. False with errno: the process does not exist any more, or is not readable. */
bool started_update(struct started_threads *started, uint64_t tasks);

/* As of the last update. The first one is the unknown routine; a routine keeps its index, also when none of
 * its threads is alive. */
const struct started_routine *started_routines(const struct started_threads *started, size_t *count);
/* The index of a thread's routine, as of the last update; SIZE_MAX: the main thread, or a newer one. */
size_t started_routine_of(const struct started_threads *started, pid_t tid);

#endif
