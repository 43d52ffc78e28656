/* The dynamic section of a loaded library (elf(5)): its symbols, and what it imports. It reads the memory of
 * the library, which must stay loaded. It calls nothing: AddressSanitizer has a strcmp() of its own, which it
 * cannot call before it has looked up others by dlsym(). */
#ifndef THREADLEAK_PRELOAD_SHIM_DYNAMIC_H
#define THREADLEAK_PRELOAD_SHIM_DYNAMIC_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dynamic {
    uint64_t bias;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *hash;              /* DT_GNU_HASH */
    const ElfW(Half) * versions;       /* of the symbols */
    const ElfW(Rela) * relocations[2]; /* of the PLT, and the other ones */
    size_t counts[2];
};

/* What the library lacks is NULL or 0. */
void dynamic_read(struct dynamic *dynamic, const struct link_map *map);

/* The default version of a definition. NULL: there is none, or the library has no DT_GNU_HASH. */
const ElfW(Sym) * dynamic_find(const struct dynamic *dynamic, const char *name);

static inline bool dynamic_same_name(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

#endif
