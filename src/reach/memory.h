/* Memory for the copy. */
#ifndef THREADLEAK_REACH_MEMORY_H
#define THREADLEAK_REACH_MEMORY_H

#include <stdint.h>

/* NULL: out of memory. Free it with munmap. */
unsigned char *reach_memory_map(uint64_t size);
/* Makes its pages ready, so that they need no time while the process is stopped. */
void reach_memory_prepare(unsigned char *memory, uint64_t size);

#endif
