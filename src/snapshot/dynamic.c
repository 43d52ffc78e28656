#include "snapshot/dynamic.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ENTRIES = 128, /* of the dynamic section */
    MAX_CHAIN = 4096,  /* symbols with one hash value */
    MAX_IMPORTS = 1 << 16,
    MAX_STRINGS = 16 << 20, /* bytes */
};

struct gnu_hash {
    uint32_t buckets, first, bloom_words, bloom_shift;
};

/* The loader adds the bias to the addresses, but not in every module. */
static uint64_t address_of(const struct snapshot_dynamic *dynamic, uint64_t value)
{
    return value < dynamic->bias ? value + dynamic->bias : value;
}

static void set_entry(struct snapshot_dynamic *dynamic, const Elf64_Dyn *entry)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:
        dynamic->symbols = address_of(dynamic, entry->d_un.d_ptr);
        break;
    case DT_STRTAB:
        dynamic->strings = address_of(dynamic, entry->d_un.d_ptr);
        break;
    case DT_STRSZ:
        dynamic->string_size = entry->d_un.d_val;
        break;
    case DT_GNU_HASH:
        dynamic->hash = address_of(dynamic, entry->d_un.d_ptr);
        break;
    }
}

bool snapshot_dynamic_read(struct snapshot_dynamic *dynamic, const struct snapshot *snapshot,
                           const struct snapshot_elf *elf)
{
    Elf64_Dyn entries[MAX_ENTRIES];
    *dynamic = (struct snapshot_dynamic){.snapshot = snapshot, .bias = elf->bias};
    for (size_t i = 0; i < elf->count; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        size_t size = segment->p_memsz < sizeof(entries) ? segment->p_memsz : sizeof(entries);
        if (segment->p_type != PT_DYNAMIC ||
            !snapshot_read_live(snapshot, elf->bias + segment->p_vaddr, entries, size))
            continue;
        for (size_t j = 0; j < size / sizeof(*entries) && entries[j].d_tag != DT_NULL; j++)
            set_entry(dynamic, &entries[j]);
    }
    return dynamic->symbols && dynamic->strings && dynamic->hash;
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static bool has_name(const struct snapshot_dynamic *dynamic, const Elf64_Sym *symbol, const char *name)
{
    char text[64];
    size_t size = strlen(name) + 1;
    return size <= sizeof(text) &&
           snapshot_read_live(dynamic->snapshot, dynamic->strings + symbol->st_name, text, size) &&
           memcmp(text, name, size) == 0;
}

static uint64_t find_in_chain(const struct snapshot_dynamic *dynamic, uint64_t hashes, uint32_t index,
                              uint32_t first, const char *name)
{
    uint32_t hash = hash_of(name), found;
    for (int i = 0; i < MAX_CHAIN; i++, index++) {
        Elf64_Sym symbol;
        if (!snapshot_read_live(dynamic->snapshot, hashes + 4 * (uint64_t)(index - first), &found, 4))
            return 0;
        if ((found | 1) == (hash | 1) &&
            snapshot_read_live(dynamic->snapshot, dynamic->symbols + sizeof(symbol) * (uint64_t)index,
                               &symbol, sizeof(symbol)) &&
            symbol.st_shndx != SHN_UNDEF && has_name(dynamic, &symbol, name))
            return dynamic->bias + symbol.st_value;
        if (found & 1)
            return 0;
    }
    return 0;
}

uint64_t snapshot_dynamic_find(const struct snapshot_dynamic *dynamic, const char *name)
{
    struct gnu_hash header;
    uint32_t index;
    if (!snapshot_read_live(dynamic->snapshot, dynamic->hash, &header, sizeof(header)) || !header.buckets)
        return 0;
    uint64_t buckets = dynamic->hash + sizeof(header) + 8 * (uint64_t)header.bloom_words;
    if (!snapshot_read_live(dynamic->snapshot, buckets + 4 * (uint64_t)(hash_of(name) % header.buckets),
                            &index, 4) ||
        index < header.first)
        return 0;
    return find_in_chain(dynamic, buckets + 4 * (uint64_t)header.buckets, index, header.first, name);
}

/* Symbols of other modules are before the first one that has a hash. */
bool snapshot_dynamic_imports(const struct snapshot_dynamic *dynamic, const char *name)
{
    struct gnu_hash header;
    bool found = true;
    if (!snapshot_read_live(dynamic->snapshot, dynamic->hash, &header, sizeof(header)) ||
        header.first > MAX_IMPORTS || dynamic->string_size > MAX_STRINGS)
        return true;
    Elf64_Sym *symbols = malloc(header.first * sizeof(*symbols) + 1);
    char *strings = malloc(dynamic->string_size + 1);
    if (symbols && strings &&
        snapshot_read_live(dynamic->snapshot, dynamic->symbols, symbols, header.first * sizeof(*symbols)) &&
        snapshot_read_live(dynamic->snapshot, dynamic->strings, strings, dynamic->string_size)) {
        strings[dynamic->string_size] = 0;
        found = false;
        for (uint32_t i = 0; i < header.first && !found; i++)
            found = symbols[i].st_shndx == SHN_UNDEF && symbols[i].st_name < dynamic->string_size &&
                    strcmp(strings + symbols[i].st_name, name) == 0;
    }
    free(symbols);
    free(strings);
    return found;
}
