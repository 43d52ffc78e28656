/* Probes, and the records that the kernel writes about them and about threads. */
#ifndef THREADLEAK_ATTACH_PERF_RECORD_H
#define THREADLEAK_ATTACH_PERF_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot/snapshot.h"

struct perf_probe {
    const char *path; /* file, as this program can open it */
    uint64_t offset;  /* in the file */
    bool is_return;   /* of the function that begins there */
    uint32_t stack;   /* bytes of the stack to copy, a multiple of 8; 0: none */
};
enum { PERF_MAX_PROBES = 8 };

enum perf_kind {
    PERF_HIT,   /* of a probe */
    PERF_BEGIN, /* tid was created by the thread `by` */
    PERF_END,
    PERF_NAME,
    PERF_LOST, /* `lost` records did not fit into the ring */
};

struct perf_record {
    enum perf_kind kind;
    uint64_t ns; /* CLOCK_MONOTONIC */
    pid_t pid, tid;
    pid_t by;                     /* PERF_BEGIN */
    unsigned probe;               /* PERF_HIT: index */
    uint64_t lost;                /* PERF_LOST */
    char name[16];                /* PERF_NAME */
    bool exec;                    /* PERF_NAME: the process began another program */
    bool has_regs;                /* PERF_HIT */
    uint64_t regs[SNAPSHOT_REGS]; /* DWARF's numbers */
    unsigned char *stack;         /* from the stack pointer up; NULL: none. Free it */
    uint32_t stack_size;
};

#endif
