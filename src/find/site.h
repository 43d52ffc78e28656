/* Places in the code, and creation sites, as findings name them. Private to find/. */
#ifndef THREADLEAK_FIND_SITE_H
#define THREADLEAK_FIND_SITE_H

#include "find/context.h"

/* The frame that creates the threads of a site: of the user's code if there is any. NULL: unknown. */
const struct frame *site_place(const struct find_context *context, const struct ledger_site *site);
/* The start routine; NULL: unknown. */
const struct frame *site_start(const struct find_context *context, const struct ledger_site *site);
/* The call before a return address of the ledger; 0 or unknown: NULL. */
const struct frame *call_place(const struct find_context *context, ledger_pc pc);

/* Orders frames by place: equal are those of one line, or of one address where no line is known. */
int compare_places(const struct frame *a, const struct frame *b);
/* "pool.c:88", "start_pool", "libpool.so+0x123"; NULL: "an unknown place" */
void add_place(struct line *line, const struct frame *frame);

/* Records of the ledger can be one site for a reader. */
struct placed_site {
    const struct frame *at, *start; /* NULL: unknown */
    const struct ledger_site *record;
    uint32_t index;
    uint64_t callers; /* equal for equal calls of the user's code on the creation stack */
};
struct placed_sites {
    struct placed_site *items; /* by place, then by start routine */
    size_t count;
};
/* The sites that are `wanted`, by their index in the ledger. False: out of memory. The caller frees `items`.
 */
bool placed_sites_make(struct placed_sites *sites, const struct find_context *context, const bool *wanted);
/* The end of the row of sites with the place of items[from], and with its start routine and callers if
 * `exactly`. */
size_t placed_sites_end(const struct placed_sites *sites, size_t from, bool exactly);

#endif
