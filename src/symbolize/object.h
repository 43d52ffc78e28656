/* The variables of an ELF file, from its symbols. */
#ifndef THREADLEAK_SYMBOLIZE_OBJECT_H
#define THREADLEAK_SYMBOLIZE_OBJECT_H

#include "symbolize/file.h"

/* The variable (not demangled) that contains an address of libdwfl; *into: how many bytes into it; *local: no
 * other file of the program sees it. NULL: none. The name lives as long as the image, whose module must not
 * be NULL. */
const char *image_object(struct image *image, GElf_Addr address, uint64_t *into, bool *local);

#endif
