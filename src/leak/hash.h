/* FNV-1a, 64 bits.  Private to the directory. */
#ifndef THREADLEAK_LEAK_HASH_H
#define THREADLEAK_LEAK_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_EMPTY 0xcbf29ce484222325ull

/* Adds a piece, and a mark for its end. */
static inline uint64_t hash_add(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ull;
    return (hash ^ 0xff) * 0x100000001b3ull;
}

#endif
