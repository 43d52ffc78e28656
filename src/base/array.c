#include "base/array.h"

#include <stdlib.h>

void *array_grow(void *items, size_t count, size_t size)
{
    size_t bytes;
    if (count & (count - 1))
        return items;
    if (__builtin_mul_overflow(count ? 2 * count : 1, size, &bytes))
        return NULL;
    return realloc(items, bytes);
}
