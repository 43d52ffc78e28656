/* The parts of the symbolizer that data symbols need. */
#ifndef THREADLEAK_SYMBOLIZE_DATA_H
#define THREADLEAK_SYMBOLIZE_DATA_H

#include "symbolize/symbolize.h"
#include "symbolize/file.h"
#include "symbolize/name.h"

/* The opened file of an address. The address must have a module. NULL: out of memory. */
struct image *symbolizer_image(struct symbolizer *symbolizer, const struct code_address *address);
strings *symbolizer_strings(struct symbolizer *symbolizer);

#endif
