/* Caches for the code file of each mapping and the call-frame rules of each address. */
#ifndef THREADLEAK_UNWIND_CACHE_H
#define THREADLEAK_UNWIND_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/rule.h"

struct code {
    const struct snapshot *snapshot;
    struct code_file **files; /* by index of the snapshot's regions; NULL: not opened yet */
    struct cached_rules *cache;
    size_t cached, capacity;
    /* Reads of memory for all threads. The limit bounds the cost of hostile call-frame information. */
    uint64_t reads_left;
};

/* False: out of memory; then nothing must be released. The snapshot must outlive it. */
bool code_init(struct code *code, const struct snapshot *snapshot);
void code_release(struct code *code);
/* The cache owns what these return. NULL: the address is not in code, or out of memory. */
struct code_file *code_find_file(struct code *code, uint64_t pc);
/* NULL: no call-frame information. */
const struct frame_rules *code_find_rules(struct code *code, uint64_t pc);

#endif
