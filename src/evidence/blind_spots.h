/* What the shim cannot see in a process, where that is known. */
#ifndef THREADLEAK_EVIDENCE_BLIND_SPOTS_H
#define THREADLEAK_EVIDENCE_BLIND_SPOTS_H

#include <sys/types.h>

#include "ledger/ledger.h"

/*
 * Sentences for people: an attach, a second namespace of the loader, a sandbox,
 * valgrind. NULL-terminated, malloc'ed as
 * each of them is. NULL: nothing is known, or out of memory.
 *
 * pid: a live process; 0: only its ledger is read. ledger NULL: not watched.
 */
char **blind_spots_find(pid_t pid, const struct ledger *ledger);
void blind_spots_free(char **sentences);

#endif
