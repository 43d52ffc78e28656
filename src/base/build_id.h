/* The build-id among ELF notes. */
#ifndef THREADLEAK_BASE_BUILD_ID_H
#define THREADLEAK_BASE_BUILD_ID_H

#include <stddef.h>

/* Searches the contents of a PT_NOTE segment, which may be damaged.  Returns the build-id, a part
 * of the notes, and its size; NULL: none, an empty one, or one of more than `max_size` bytes. */
const unsigned char *build_id_find(const unsigned char *notes, size_t size, size_t max_size, size_t *id_size);

#endif
