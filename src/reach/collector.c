#include "reach/collector.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool reach_refuse(struct reach_collector *collector, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!collector->why_not && vasprintf(&collector->why_not, format, arguments) < 0)
        collector->why_not = NULL;
    va_end(arguments);
    return false;
}

bool reach_bytes_add(struct reach_bytes *bytes, const void *from, size_t size)
{
    if (bytes->size + size + REACH_SLACK > bytes->capacity) {
        size_t capacity = 2 * (bytes->size + size + REACH_SLACK);
        unsigned char *grown = realloc(bytes->bytes, capacity);
        if (!grown)
            return false;
        memset(grown + bytes->size, 0, capacity - bytes->size);
        bytes->bytes = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->bytes + bytes->size, from, size);
    bytes->size += size;
    return true;
}
