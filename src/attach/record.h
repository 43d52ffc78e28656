/* Turns the kernel's records into the ledger. */
#ifndef THREADLEAK_ATTACH_RECORD_H
#define THREADLEAK_ATTACH_RECORD_H

#include "attach/batch.h"

struct recorder;

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
uint64_t recorder_complete(const struct recorder *recorder); /* creations with a whole stack */
/* Has the process begun another program? */
bool recorder_has_execed(const struct recorder *recorder);

#endif
