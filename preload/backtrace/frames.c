#include "preload/backtrace/frames.h"

#include <string.h>

uint32_t frames_from_caller(void **frames, uint32_t count, uint32_t own, const void *caller)
{
    uint64_t address = (uint64_t)caller;
    uint32_t skip = 0;
    while (skip < count && skip < own && address - (uint64_t)frames[skip] > 1)
        skip++;
    if (skip == count || skip == own)
        return 0;
    uint64_t missing = address - (uint64_t)frames[skip];
    count -= skip;
    if (skip)
        memmove(frames, frames + skip, count * sizeof(*frames));
    for (uint32_t i = 0; missing && i < count; i++)
        frames[i] = (char *)frames[i] + 1;
    return count;
}
