/* Turns the kernel's records into the ledger. record.c takes records, confirm.c compares with glibc. */
#ifndef THREADLEAK_ATTACH_RECORDER_H
#define THREADLEAK_ATTACH_RECORDER_H

#include "attach/batch.h"
#include "attach/table.h"

struct recorder;

struct recorder_stacks {
    uint64_t creations;
    uint64_t cut;       /* of them: those with a stack deeper than its copy */
    uint32_t cut_bytes; /* size of the latest such copy */
};

/* NULL: out of memory. The arguments must outlive it. */
struct recorder *recorder_new(pid_t pid, const struct probes *probes, const struct nptl *nptl,
                              struct writer *writer);
void recorder_free(struct recorder *recorder);

/* Notes the descriptors of threads that are older than the records: no thread of these has one of them. */
void recorder_note_older(struct recorder *recorder, const struct snapshot *reader);
/* Takes a batch. Batches follow each other in time. */
void recorder_take(struct recorder *recorder, const struct batch *batch);
/*
 * Compares the threads with glibc's descriptors: finds their handles, and joins and detaches that no record
 * shows. until: all records before this time were taken.
 */
void recorder_confirm(struct recorder *recorder, const struct snapshot *reader, uint64_t until);
/* Would recorder_confirm find anything new? */
bool recorder_has_changed(const struct recorder *recorder);

/* Was its start recorded? Then it has inherited all events. */
bool recorder_knows(const struct recorder *recorder, pid_t tid);
struct recorder_stacks recorder_stacks(const struct recorder *recorder);
/* Has the process begun another program? */
bool recorder_has_execed(const struct recorder *recorder);

/* ---- private to recorder.c, record.c and confirm.c ---- */

/* A call of pthread_create that has not returned. */
struct pending {
    pid_t creator;
    uint64_t handle_at, start, arg, ns; /* handle_at: where the call stores the handle */
    struct resolved resolved;
    uint32_t stack_bytes;
    bool begun;    /* the thread exists */
    uint32_t slot; /* of it */
};

/* What the ledger does not have of a slot. */
struct extra {
    uint64_t serial;  /* of the thread that it belongs to */
    uint64_t start;   /* its start routine */
    bool claimed;     /* its handle is that of a descriptor like its own, which can be another thread's */
    uint64_t gone_ns; /* its descriptor was gone then; 0: it is not */
    uint64_t caller;  /* of the latest join of it; 0: none */
    ledger_pc place;
};

struct recorder {
    pid_t pid;
    const struct probes *probes;
    const struct nptl *nptl;
    struct writer *writer;
    struct pending *pending;
    size_t pending_count;
    struct table live;    /* slot + 1 of a tracked thread by its tid */
    struct table handles; /* slot + 1 by handle */
    struct table older;   /* 1 by handle of each thread that is older than the records */
    struct table begun;   /* 1 by tid of each thread whose start was recorded */
    struct extra *extras; /* by slot */
    size_t extra_count;
    struct recorder_stacks stacks;
    bool changed, execed;
};

/* The slot in a table of slots + 1; WRITER_NO_SLOT: none. */
uint32_t recorder_slot_in(const struct table *table, uint64_t key);
/* The slot that has this handle now: that of an older thread can be over, or be used again. */
uint32_t recorder_slot_of_handle(const struct recorder *recorder, uint64_t handle);
/* NULL: out of memory. */
struct extra *recorder_extra(struct recorder *recorder, uint32_t slot);
/* The descriptor of the thread is gone: it was joined, or detached. */
void recorder_finish(struct recorder *recorder, uint32_t slot);
void recorder_set_handle(struct recorder *recorder, uint32_t slot, uint64_t handle);

#endif
