#include "preload/shim/next.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#define HIDDEN_VERSION 0x8000 /* in the table of versions: not the default one */

/* The loader's list for debuggers (<link.h>): libraries that are loaded later are appended. */
#ifdef __GLIBC__
static const struct link_map *own_map(void)
{
    const struct link_map *map = _r_debug.r_map;
    while (map && map->l_ld != _DYNAMIC)
        map = map->l_next;
    return map;
}

const char *next_own_path(void)
{
    const struct link_map *map = own_map();
    return map ? map->l_name : "";
}
#else
static const struct link_map *own_map(void)
{
    return NULL; /* musl has no such list, so dlsym() finds all of them */
}

const char *next_own_path(void)
{
    Dl_info info;
    return dladdr((void *)next_own_path, &info) ? info.dli_fname : "";
}
#endif

/* AddressSanitizer has a strcmp() of its own, which it cannot call before it has looked up others by dlsym().
 */
static bool is_same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

struct symbols {
    const ElfW(Sym) * table;
    const char *strings;
    const uint32_t *hash;        /* DT_GNU_HASH */
    const ElfW(Half) * versions; /* NULL: none */
};

/* glibc has relocated it, unless the section is read-only. */
static const void *relocated(const struct link_map *map, const ElfW(Dyn) * entry)
{
    ElfW(Addr) at = entry->d_un.d_ptr;
    return (const void *)(at < map->l_addr ? at + map->l_addr : at);
}

/* False: the library has not what a search needs. */
static bool find_symbols(const struct link_map *map, struct symbols *symbols)
{
    *symbols = (struct symbols){0};
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++)
        switch (entry->d_tag) {
        case DT_SYMTAB:
            symbols->table = relocated(map, entry);
            break;
        case DT_STRTAB:
            symbols->strings = relocated(map, entry);
            break;
        case DT_GNU_HASH:
            symbols->hash = relocated(map, entry);
            break;
        case DT_VERSYM:
            symbols->versions = relocated(map, entry);
        }
    return symbols->table && symbols->strings && symbols->hash;
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static bool is_definition(const struct symbols *symbols, uint32_t number, const char *name)
{
    const ElfW(Sym) *symbol = &symbols->table[number];
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value &&
           is_same(symbols->strings + symbol->st_name, name) &&
           !(symbols->versions && symbols->versions[number] & HIDDEN_VERSION);
}

static const ElfW(Sym) * search(const struct symbols *symbols, const char *name)
{
    uint32_t buckets = symbols->hash[0], first = symbols->hash[1], words = symbols->hash[2],
             hash = hash_of(name);
    const uint32_t *bucket = symbols->hash + 4 + words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    uint32_t number = buckets ? bucket[hash % buckets] : 0;
    if (number < first)
        return NULL;
    for (;; number++) {
        uint32_t other = chain[number - first];
        if ((other | 1) == (hash | 1) && is_definition(symbols, number, name))
            return &symbols->table[number];
        if (other & 1) /* the last of its bucket */
            return NULL;
    }
}

static bool is_named(const struct link_map *map, const char *name)
{
    const char *last = map->l_name;
    for (const char *at = last; *at; at++)
        if (*at == '/')
            last = at + 1;
    return is_same(last, name);
}

/* An IFUNC's value is a function that chooses one, and a library can define it as a variable: dlsym knows. */
static void *address_of(const struct link_map *map, const ElfW(Sym) * symbol)
{
    bool plain =
        ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && ELF64_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT;
    return plain ? (void *)(map->l_addr + symbol->st_value) : NULL;
}

void *next_definition(const char *name)
{
    const struct link_map *map = own_map();
    struct symbols symbols;
    bool libc = !map, libpthread = !map; /* already searched */
    while (!(libc && libpthread) && (map = map->l_next)) {
        if (!find_symbols(map, &symbols))
            return NULL;
        const ElfW(Sym) *symbol = search(&symbols, name);
        if (symbol)
            return address_of(map, symbol);
        libc = libc || is_named(map, "libc.so.6");
        /* Before glibc 2.34, libc has no threads, and libpthread comes before or after it. */
        libpthread =
            libpthread || is_named(map, "libpthread.so.0") || (libc && search(&symbols, "pthread_create"));
    }
    return NULL;
}

#ifdef __GLIBC__
void *next_in_libc(const char *name)
{
    const struct link_map *map = own_map();
    struct symbols symbols;
    while (map && !is_named(map, "libc.so.6"))
        map = map->l_next;
    const ElfW(Sym) *symbol = map && find_symbols(map, &symbols) ? search(&symbols, name) : NULL;
    bool chosen = symbol && ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
    return symbol && !chosen ? (void *)(map->l_addr + symbol->st_value) : NULL;
}
#else
void *next_in_libc(const char *name)
{
    void *libc = dlopen("libc.so", RTLD_NOW | RTLD_NOLOAD); /* for musl any name that begins so */
    return libc ? dlsym(libc, name) : NULL;
}
#endif
