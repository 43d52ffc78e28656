/*
 * The records that the shims of a run wrote before each exec: program, process and time. LEDGER_EXECS_FILE in
 * ledger.h has the format of the file.
 */
#ifndef THREADLEAK_CLI_RUN_EXEC_RECORDS_H
#define THREADLEAK_CLI_RUN_EXEC_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ledger.h"

struct exec_record {
    pid_t pid;
    char kind;          /* LEDGER_EXEC_* */
    uint64_t ns, until; /* until: ns of the next record of this pid; UINT64_MAX: none */
    const char *directory, *path;
    size_t order; /* in the file */
};

struct exec_records {
    char *text;                /* the file; the records point into it */
    struct exec_record *items; /* by pid, then in time */
    size_t count;
    bool incomplete; /* too large, damaged or not readable: some records are missing */
};

/* Without a readable file there are no records. Their number and size are limited. False: out of memory. Free
 * them in both cases. */
bool exec_records_read(struct exec_records *records, const char *directory);
void exec_records_free(struct exec_records *records);

#endif
