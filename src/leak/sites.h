/* The creation sites of one ledger. Several records can be one site for a reader. */
#ifndef THREADLEAK_LEAK_SITES_H
#define THREADLEAK_LEAK_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leak/model.h"
#include "ledger/ledger.h"
#include "symbolize/symbolize.h"

/* A creation stack in the ledger. */
struct creation_stack {
    const struct ledger_site *site;
    const ledger_pc *frames;
    uint32_t count;
};

/* The stack of the record with this index; if there is none, the one of unknown stacks. */
struct creation_stack creation_stack_of(const struct ledger *ledger, uint32_t index);
/* Compares their addresses, for qsort. */
int creation_stack_compare(const void *left, const void *right);

/*
 * Equal for stacks that a reader cannot distinguish: in every frame the same function of the same module, and
 * for user frames the same file and line. One line may make several calls (an unrolled loop), and lines in
 * templates of libstdc++ do not count. Of a runtime's frames at the leaf only the outermost counts, which is
 * the function that the user called (std::vector::emplace_back). Frames without a name, and user frames
 * without a line, are compared by their offsets.
 */
typedef uint64_t stack_key;
/* Symbolizes the whole stack. */
stack_key creation_stack_key(const struct creation_stack *stack, const struct ledger *ledger,
                             struct symbolizer *symbolizer);
/* The key of a creation site: of its stack, and the function where its threads start (NULL: not known). */
stack_key stack_key_with_start(stack_key key, const struct frame *start);

struct site_record {
    struct creation_stack stack;
    stack_key key;
    bool has_key; /* this site, or one with the same key, has threads */
};
struct site_records {
    struct site_record *items; /* index: that of the ledger */
    size_t count;
    size_t *by_key; /* indexes of those with a key, sorted by key */
    size_t key_count;
};

/* Reads all of them, without keys. False: out of memory. Release them in both cases. */
bool site_records_read(struct site_records *records, const struct ledger *ledger);
void site_records_release(struct site_records *records);
/* The index of the record of a slot's site. */
size_t site_record_index(const struct site_records *records, uint32_t index);

/* Finds the keys of the records with `has_key`, and of all records with equal keys. Symbolises the others
 * only up to the frame where they differ. False: out of memory. */
bool site_records_find_keys(struct site_records *records, const struct ledger *ledger,
                            struct symbolizer *symbolizer);

/* The index in by_key of the first record with a key; key_count: none. */
size_t site_records_first(const struct site_records *records, stack_key key);

/* Sets stack, stack_count and user_frame of the leak group. False: out of memory. */
bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group);

#endif
