/* Between the parts of ledger_read.h: ledger_open.c finds the bytes of a ledger,
 * ledger_load.c checks and copies them, ledger_read.c hands them out. */
#ifndef THREADLEAK_LEDGER_LOAD_H
#define THREADLEAK_LEDGER_LOAD_H

#include "ledger/ledger.h"

struct ledger {
    struct ledger_header header;
    void *records[SECTIONS]; /* with one byte of 0 after the last record */
    uint32_t count[SECTIONS];
    uint64_t copied; /* bytes */
};

/* Bytes that pread finds at `base`, `size` of them at most.  They may change or
 * go away at any time. */
struct ledger_source {
    int fd;
    const struct core_file *core; /* not NULL: memory of it from address `base` on, instead */
    bool *cut; /* not NULL: frames, modules and strings may be cut short, and then it is set */
    uint64_t base;
    uint64_t size;
    const char *name; /* how errors begin: "/tmp/x", "the ledger of process 4242" */
};

/* LEDGER_OPEN_NOT_WATCHED: a ledger, but its owner has not filled it in yet.
 * The error is set then, too. */
enum ledger_open_status ledger_load(const struct ledger_source *source, struct ledger **ledger,
                                    struct error *error);

#endif
