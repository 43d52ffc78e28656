/*
 * Writes a ledger for a process that runs without the shim: common/ledger.h is the layout. Only one thread
 * writes it, and any number of processes read it.
 *
 * It is the file PID.STARTTIME, of this user and mode 0600, in a directory of attached processes
 * (ledger/attached.h). It is locked while it is written: a reader does not trust a file without a lock.
 */
#ifndef THREADLEAK_ATTACH_WRITER_H
#define THREADLEAK_ATTACH_WRITER_H

#include "attach/writer_file.h"
#include "symbolize/symbolize.h"

#define WRITER_NO_SLOT UINT32_MAX

/* Of the mapping: it changes as threads are added. */
const struct ledger_header *writer_header(const struct writer *writer);

/* A code address as the ledger has it; its module is added. */
ledger_pc writer_code(struct writer *writer, const struct code_address *address);
/* The index of the site with these frames, leaf first, and this start routine. 0: no room. */
uint32_t writer_site(struct writer *writer, const ledger_pc *frames, uint32_t count, uint32_t flags,
                     uint64_t start, ledger_pc start_pc);

/* ---- threads: a slot is valid until the thread is over, and WRITER_NO_SLOT is allowed everywhere ---- */

struct writer_thread {
    uint32_t site;
    pid_t tid, created_by_tid;
    uint64_t arg, ns;
    ledger_pc start_pc;
};
/* WRITER_NO_SLOT: no room, which is counted. */
uint32_t writer_add(struct writer *writer, const struct writer_thread *thread);
/* The record in the mapping. NULL: the slot is free. */
const struct ledger_slot *writer_slot(const struct writer *writer, uint32_t slot);
/* Slots that were ever in use: those from 0 on. */
uint32_t writer_slot_count(const struct writer *writer);
/* handle: the pthread_t. name: at most 15 bytes, as in /proc/PID/task/TID/comm. */
void writer_set_handle(struct writer *writer, uint32_t slot, uint64_t handle);
void writer_set_name(struct writer *writer, uint32_t slot, const char *name);
/* ns: CLOCK_MONOTONIC, as all times here. */
void writer_ended(struct writer *writer, uint32_t slot, uint64_t ns);
/* caller: the thread that made the call, 0: not known. place: where it called. */
void writer_detached(struct writer *writer, uint32_t slot, uint64_t caller, ledger_pc place);
void writer_joined(struct writer *writer, uint32_t slot, uint64_t caller, ledger_pc place);
/* It was joined or detached, and how is not known. */
void writer_released(struct writer *writer, uint32_t slot);

/* A creation that failed. */
void writer_failed(struct writer *writer, uint32_t site, enum ledger_fail error);
/* Creations that were not seen. */
void writer_lost(struct writer *writer, uint64_t count);

#endif
