/* Scalar variables in a stack frame, from debug information. */
#ifndef THREADLEAK_SYMBOLIZE_SCALAR_H
#define THREADLEAK_SYMBOLIZE_SCALAR_H

#include <elfutils/libdw.h>

#include "symbolize/symbolize.h"

/* The name of the scalar variable that begins at the place, of those in scope at the address in the function,
 * inlined calls included. NULL: none. The debug information owns it. */
const char *scalar_find(Dwarf_Die function, Dwarf_Addr address, const struct frame_place *place);

#endif
