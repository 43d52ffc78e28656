/* Adds what the kernel keeps to the collector. */
#include <stdlib.h>
#include <string.h>

#include "reach/caveat.h"
#include "reach/kernel.h"

void reach_kernel_unknown(struct reach_collector *collector)
{
    collector->image.caveats |= REACH_BIT(KERNEL);
}

void reach_kernel_unread(struct reach_collector *collector)
{
    collector->image.caveats |= REACH_BIT(QUEUE);
}

size_t reach_kernel_room(const struct reach_collector *collector)
{
    return REACH_KERNEL_MAX - collector->kernel_taken;
}

bool reach_kernel_take(struct reach_collector *collector, size_t size)
{
    bool fits = size <= reach_kernel_room(collector);
    collector->kernel_taken = fits ? collector->kernel_taken + size : REACH_KERNEL_MAX;
    return fits;
}

bool reach_kernel_was_seen(const struct reach_seen *seen, const struct stat *status)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->files[i].inode == status->st_ino && seen->files[i].device == status->st_dev)
            return true;
    return false;
}

bool reach_kernel_see(struct reach_seen *seen, const struct stat *status)
{
    if (seen->count == REACH_MAX_SEEN)
        return false;
    seen->files[seen->count].device = status->st_dev;
    seen->files[seen->count++].inode = status->st_ino;
    return true;
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
