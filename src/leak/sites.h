/* The creation sites of one ledger: its records, and which of them are one site to a reader. */
#ifndef THREADLEAK_LEAK_SITES_H
#define THREADLEAK_LEAK_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/ledger.h"
#include "symbolize/symbolize.h"

/* A creation stack, as the ledger has it. */
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
 * Equal for stacks that look the same to a reader: in every frame the same function of the same module, and
 * the same file and line where the frame is the user's own.  One line may have made several calls, which
 * an unrolled loop does, and which line of a template of libstdc++'s made one says nothing.  Of a runtime's
 * frames at the leaf only the outermost counts, which is what the user called (std::vector::emplace_back).
 * What has no name, and the user's own frames without a line, are told apart by their offsets.
 */
typedef uint64_t stack_look;

struct site_record {
    struct creation_stack stack;
    stack_look look;
    bool looked; /* look is known: there are threads of this site, or of one that looks like it */
};
struct site_records {
    struct site_record *items; /* by the ledger's index */
    size_t count;
    size_t *by_look; /* indexes of those that are known, records of one look side by side */
    size_t look_count;
};

/* All of them, without looks.  False: out of memory.  Release either way. */
bool site_records_read(struct site_records *records, const struct ledger *ledger);
void site_records_release(struct site_records *records);
/* The index of the record that a slot's site is. */
size_t site_record_index(const struct site_records *records, uint32_t index);

/* Finds the looks of those records for which `looked` is set, and of all that look like one of them: no other
 * is symbolised further than to where it differs.  False: out of memory. */
bool site_records_look(struct site_records *records, const struct ledger *ledger,
                       struct symbolizer *symbolizer);

/* The place in by_look of the first record of a look; look_count: there is none. */
size_t site_records_first(const struct site_records *records, stack_look look);

#endif
