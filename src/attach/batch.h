/* A batch of the kernel's records, with the code addresses in them resolved. */
#ifndef THREADLEAK_ATTACH_BATCH_H
#define THREADLEAK_ATTACH_BATCH_H

#include "attach/perf_record.h"
#include "attach/probes.h"
#include "attach/writer.h"

/* What is known of a record by its code addresses. */
struct resolved {
    bool by_libc;       /* PROBE_CREATE: libc creates it for itself, as a timer's */
    bool cut;           /* PROBE_CREATE: the stack is deeper than its copy */
    uint32_t site;      /* PROBE_CREATE; 0: unknown */
    ledger_pc start_pc; /* PROBE_CREATE */
    uint64_t caller;    /* joins and detaches; 0: unknown */
    ledger_pc place;    /* the same, as the ledger has it */
};

struct batch {
    struct perf_record *records; /* in the order of time */
    struct resolved *resolved;   /* one for each */
    size_t count;
};

/* Takes over the records of a process that has ended: nothing in them can be resolved. False: out of memory;
 * then the batch is empty. */
bool batch_unresolved(struct batch *batch, struct perf_record *records, size_t count);
/* The same, and resolves them. False with an error: the process has ended, or out of memory. Then the batch
 * is as above. */
bool batch_resolve(struct batch *batch, struct perf_record *records, size_t count, pid_t pid,
                   const struct probes *probes, struct writer *writer, struct error *error);
void batch_release(struct batch *batch);

#endif
