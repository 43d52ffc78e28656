/* Adds what the kernel keeps to the collector. */
#include <stdlib.h>
#include <string.h>

#include "reach/caveat.h"
#include "reach/kernel.h"

void reach_kernel_unknown(struct reach_collector *collector)
{
    collector->image.caveats |= REACH_BIT(KERNEL);
}

/* What is added begins at a multiple of 8, as words do. */
void reach_kernel_add(struct reach_collector *collector, const void *bytes, size_t size)
{
    static const char zeros[8];
    if (!reach_bytes_add(&collector->kernel, bytes, size) ||
        !reach_bytes_add(&collector->kernel, zeros, (size_t)(-size & 7)))
        reach_kernel_unknown(collector);
}

void reach_kernel_add_values(struct reach_collector *collector, const char *text, const char *key,
                             char before)
{
    for (const char *at = text; (at = strstr(at, key));) {
        at += strlen(key);
        const char *number = before ? at + strcspn(at, (char[]){before, '\n', 0}) : at;
        uint64_t value = strtoull(number + (before && *number == before), NULL, 16);
        reach_kernel_add(collector, &value, sizeof(value));
    }
}
