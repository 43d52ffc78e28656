/* A part of a text, not NUL-terminated. The owner of the text owns it, too. */
#ifndef THREADLEAK_COMMON_SLICE_H
#define THREADLEAK_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *text;
    size_t length;
};

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_is(struct slice slice, const char *text)
{
    return slice.length == strlen(text) && !memcmp(slice.text, text, slice.length);
}

#endif
