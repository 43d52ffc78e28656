/*
 * Function, file and line at an address, with inlined calls, from the debug
 * information of one module.
 */
#ifndef THREADLEAK_SYMBOLIZE_DWARF_H
#define THREADLEAK_SYMBOLIZE_DWARF_H

#include <stdbool.h>
#include <elfutils/libdwfl.h>

#include "symbolize/symbolize.h"
#include "symbolize/name.h"

struct dwarf_index;

/* NULL: no debug information, or out of memory. */
struct dwarf_index *dwarf_index_new(Dwfl_Module *module);
void dwarf_index_free(struct dwarf_index *index);

/*
 * Adds the frames at an address (with libdwfl's bias), leaf first; none if no debug information covers it.
 * symbol may be NULL; it names the function if the debug information has no full name. Sets *start to the
 * function's first address, if the function is known.
 */
void dwarf_index_frames(struct dwarf_index *index, strings *kept, Dwarf_Addr address, const char *symbol,
                        struct frame_list *list, Dwarf_Addr *start);

/* symbolize_scalar() at an address with libdwfl's bias. */
const char *dwarf_index_scalar(struct dwarf_index *index, strings *kept, Dwarf_Addr address,
                               const struct frame_place *place);

#endif
