/* Walks glibc's lists of descriptors in a live process at little cost: with one system call for each thread,
 * and only as far as there are threads that are not known. Private to the directory. */
#ifndef THREADLEAK_EVIDENCE_DESCRIPTORS_H
#define THREADLEAK_EVIDENCE_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "nptl/nptl.h"

/* tid: in the pid namespace of the process. False: no more. */
typedef bool descriptor_fn(void *arg, pid_t tid, uint64_t start);
/* New threads come first. At most `most` in each list, because a thread can move to another list meanwhile,
 * and then the end does not come. task: one with the memory of the process. */
void descriptors_walk(const struct nptl *nptl, pid_t task, size_t most, descriptor_fn *each, void *arg);

#endif
