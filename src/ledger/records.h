/* The copy of a ledger. Private to the directory. */
#ifndef THREADLEAK_LEDGER_RECORDS_H
#define THREADLEAK_LEDGER_RECORDS_H

#include "ledger/ledger.h"

struct ledger {
    struct ledger_header header;
    void *records[SECTIONS]; /* with one byte of 0 after the last record */
    uint32_t count[SECTIONS];
    uint64_t copied; /* bytes */
    pid_t tids_of;   /* ledger_use_tids_here; 0: not called */
};

#endif
