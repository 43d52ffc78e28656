/* The functions of a process's libc that are probed. */
#ifndef THREADLEAK_ATTACH_PROBES_H
#define THREADLEAK_ATTACH_PROBES_H

#include "base/error.h"
#include "attach/perf_record.h"

/* In the order in which perf_add adds them: a creation is last. Each costs something at every creation. Other
 * joins (pthread_tryjoin_np …) are found in the descriptors, without their place. */
enum probe {
    PROBE_JOIN,
    PROBE_DETACH,
    PROBE_CREATED, /* return of pthread_create */
    PROBE_CREATE,
    PROBES
};

struct probes {
    struct perf_probe items[PERF_MAX_PROBES];
    enum probe kinds[PERF_MAX_PROBES]; /* of the items */
    size_t count;
    uint64_t start, end;   /* addresses of the library */
    uint64_t c11, c11_end; /* code of thrd_create, which calls pthread_create; 0: unknown */
    char path[4200];
};

/* Finds them in the memory of the process. stack_bytes: for PROBE_CREATE. False with an error: it has no
 * glibc, or that is not readable. */
bool probes_find(struct probes *probes, const struct snapshot *snapshot, uint32_t stack_bytes,
                 struct error *error);

#endif
