/* What data symbols are looked up with: parts of the symbolizer. */
#ifndef THREADLEAK_SYMBOLIZE_DATA_H
#define THREADLEAK_SYMBOLIZE_DATA_H

#include "symbolize/symbolize.h"
#include "symbolize/file.h"
#include "symbolize/name.h"

/* The opened file of an address, which has a module; NULL: out of memory. */
struct image *symbolizer_image(struct symbolizer *symbolizer, const struct code_address *address);
strings *symbolizer_strings(struct symbolizer *symbolizer);

#endif
