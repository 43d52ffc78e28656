/* The creation sites of one ledger: its records, and which of them are one site for a reader. */
#ifndef THREADLEAK_LEAK_SITES_H
#define THREADLEAK_LEAK_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/ledger.h"
#include "symbolize/symbolize.h"

/* A creation stack in the ledger. */
struct creation_stack {
    const struct ledger_site *site;
    const ledger_pc *frames;
    uint32_t count;
};

/* Of the record with this index; where there is none, the one of unknown stacks. */
struct creation_stack creation_stack_of(const struct ledger *ledger, uint32_t index);
/* Of two of them, by their addresses, for qsort. */
int creation_stack_compare(const void *left, const void *right);

/*
 * Equal for stacks that a reader cannot distinguish: in every frame the same function of the same module, and
 * for user frames the same file and line.  One line may make several calls (an unrolled loop), and the line
 * of a template of libstdc++ says nothing.  Of a runtime's frames at the leaf only the outermost counts,
 * which is what the user called (std::vector::emplace_back).  Frames without a name, and user frames without
 * a line, are compared by their offsets.
 */
typedef uint64_t stack_key;

struct site_record {
    struct creation_stack stack;
    stack_key key;
    bool has_key; /* there are threads of this site, or of one with the same key */
};
struct site_records {
    struct site_record *items; /* by the ledger's index */
    size_t count;
    size_t *by_key; /* indexes of those that have a key, ordered by it */
    size_t key_count;
};

/* All of them, without keys.  False: out of memory.  Release either way. */
bool site_records_read(struct site_records *records, const struct ledger *ledger);
void site_records_release(struct site_records *records);
/* The index of the record that a slot's site is. */
size_t site_record_index(const struct site_records *records, uint32_t index);

/* Finds the keys of the records for which `has_key` is set, and of all that have the same keys.  Others are
 * symbolised no further than to where they differ.  False: out of memory. */
bool site_records_find_keys(struct site_records *records, const struct ledger *ledger,
                            struct symbolizer *symbolizer);

/* The place in by_key of the first record with a key; key_count: there is none. */
size_t site_records_first(const struct site_records *records, stack_key key);

#endif
