/* What reach_collect() copies of a process, in parts that each file fills in. */
#ifndef THREADLEAK_REACH_COLLECTOR_H
#define THREADLEAK_REACH_COLLECTOR_H

#include "reach/image.h"
#include "reach/pages.h"
#include "reach/reach.h"

struct reach_bytes { /* grows; has REACH_SLACK bytes after the last one */
    unsigned char *bytes;
    size_t size, capacity;
};

struct reach_collector {
    pid_t pid;
    enum reach_limit limit;
    pid_t ending;
    struct reach_image image; /* pieces, regions, threads, kernel, caveats … */
    unsigned char *memory;    /* of the pieces */
    size_t memory_size;
    struct reach_pages pages;
    uint64_t *words; /* registers of all threads */
    struct reach_bytes vectors, kernel;
    size_t kernel_taken; /* bytes of REACH_KERNEL_MAX that are used up */
    size_t *vector_at;   /* by thread: offset in vectors */
    struct reach_handle *handles;
    size_t handle_count;
    uint64_t end_sp;
    bool nothing_to_check, collected;
    bool is_core;
    bool signals_queued;   /* for the user */
    uint64_t shim_signals; /* that the shim handles: 1 << (number - 1) */
    uint64_t slots;        /* address of the ledger's slots; 0: the process is not watched */
    uint64_t slot_count;
    char *why_not;
    uint64_t copied, copy_ns;
};

/* False: out of memory. */
bool reach_bytes_add(struct reach_bytes *bytes, const void *from, size_t size);

/* Divides the address space, and chooses the pages to copy (regions.c). False: why_not is set. */
bool reach_regions_find(struct reach_collector *collector, const struct snapshot *snapshot);
/* Copies the chosen pages (copy.c). */
bool reach_copy_pages(struct reach_collector *collector, const struct snapshot *snapshot);
/* Reads the chosen pages from a core file (copy_core.c). */
bool reach_copy_core(struct reach_collector *collector, const struct snapshot *snapshot);
/* Memory for as many of the chosen pages as are allowed. */
bool reach_copy_reserve(struct reach_collector *collector);
/* Makes room for the chosen pages, and pieces without contents (copy.c). */
bool reach_copy_prepare(struct reach_collector *collector);
/* Arguments of threads that have not begun (births.c). */
void reach_births_read(struct reach_collector *collector, const struct snapshot *snapshot);
/* Registers (registers.c). */
bool reach_registers_read(struct reach_collector *collector, const struct snapshot *snapshot);
/* What the kernel keeps (kernel.c). Sets caveats for what cannot be read. */
void reach_kernel_read(struct reach_collector *collector, const struct snapshot *snapshot);

/* Sets why_not; returns false. */
bool reach_refuse(struct reach_collector *collector, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
