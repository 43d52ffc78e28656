#include "preload/shim/dynamic.h"

#include <elf.h>

#define HIDDEN_VERSION 0x8000 /* in the table of versions: not the default one */

/* The loader has relocated it: glibc's does, unless the section is read-only, musl's does not. */
static const void *relocated(const struct link_map *map, uint64_t at)
{
    return (const void *)(at && at < map->l_addr ? at + map->l_addr : at);
}

/* Each function that is looked up reads it anew: no branch for each tag. */
void dynamic_read(struct dynamic *dynamic, const struct link_map *map)
{
    uint64_t tags[DT_NUM] = {0}, hash = 0, versions = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag > 0 && entry->d_tag < DT_NUM)
            tags[entry->d_tag] = entry->d_un.d_val;
        else if (entry->d_tag == DT_GNU_HASH)
            hash = entry->d_un.d_val;
        else if (entry->d_tag == DT_VERSYM)
            versions = entry->d_un.d_val;
    *dynamic = (struct dynamic){
        .bias = map->l_addr,
        .symbols = relocated(map, tags[DT_SYMTAB]),
        .strings = relocated(map, tags[DT_STRTAB]),
        .hash = relocated(map, hash),
        .versions = relocated(map, versions),
        .relocations = {relocated(map, tags[DT_JMPREL]), relocated(map, tags[DT_RELA])},
        .counts = {tags[DT_PLTRELSZ] / sizeof(ElfW(Rela)), tags[DT_RELASZ] / sizeof(ElfW(Rela))},
    };
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static bool is_definition(const struct dynamic *dynamic, uint32_t number, const char *name)
{
    const ElfW(Sym) *symbol = &dynamic->symbols[number];
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value &&
           dynamic_same_name(dynamic->strings + symbol->st_name, name) &&
           !(dynamic->versions && dynamic->versions[number] & HIDDEN_VERSION);
}

const ElfW(Sym) * dynamic_find(const struct dynamic *dynamic, const char *name)
{
    const uint32_t *head = dynamic->hash;
    if (!head || !dynamic->symbols || !dynamic->strings || !head[0])
        return NULL;
    uint32_t buckets = head[0], first = head[1], words = head[2], hash = hash_of(name);
    const uint32_t *bucket = head + 4 + words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    uint32_t number = bucket[hash % buckets];
    if (number < first)
        return NULL;
    for (;; number++) {
        uint32_t other = chain[number - first];
        if ((other | 1) == (hash | 1) && is_definition(dynamic, number, name))
            return &dynamic->symbols[number];
        if (other & 1) /* the last of its bucket */
            return NULL;
    }
}
