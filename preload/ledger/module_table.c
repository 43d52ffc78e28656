#include "preload/ledger/module_table.h"

#include <link.h>
#include <stdatomic.h>
#include <string.h>

#include "preload/ledger/elf_start.h"
#include "preload/ledger/maps.h"
#include "preload/shim/state.h"
#include "preload/shim/text.h"

/* In words, because readers copy an entry while it may be written. */
union entry {
    struct {
        struct module_found found;
        uint64_t bias;
        uint64_t generation;
        char path[MODULE_PATH];
    };
    uint64_t words[1];
};
#define PATH_AT (offsetof(union entry, path) / 8)
#define WORDS (sizeof(union entry) / 8)
_Static_assert(sizeof(union entry) % 8 == 0, "an entry is copied in words");

static struct {
    _Atomic uint32_t version; /* odd: it is being written; 0: empty */
    _Atomic uint64_t words[WORDS];
} table[MODULE_TABLE_SIZE];
static _Atomic uint32_t next_place;
static _Atomic uint64_t generation = 1;

static void store(const union entry *entry)
{
    uint32_t place = atomic_fetch_add(&next_place, 1) % MODULE_TABLE_SIZE;
    uint32_t version = atomic_load(&table[place].version);
    /* A thread that did not exist in this forked child, or that a handler interrupted, may write it. */
    if (version & 1 || !atomic_compare_exchange_strong(&table[place].version, &version, version + 1))
        return;
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&table[place].words[i], entry->words[i], memory_order_relaxed);
    atomic_store_explicit(&table[place].version, version + 2, memory_order_release);
}

/* Copies words from..to of an entry. False: it is empty, or was written meanwhile. */
static bool load(uint32_t place, union entry *entry, size_t words)
{
    uint32_t version = atomic_load_explicit(&table[place].version, memory_order_acquire);
    if (version == 0 || version & 1)
        return false;
    for (size_t i = 0; i < words; i++)
        entry->words[i] = atomic_load_explicit(&table[place].words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&table[place].version, memory_order_relaxed) == version;
}

static bool contains(const union entry *entry, uint64_t pc)
{
    return pc >= entry->found.start && pc < entry->found.end;
}

static bool known(uint64_t pc, union entry *entry)
{
    uint64_t now = atomic_load(&generation);
    for (uint32_t i = 0; i < MODULE_TABLE_SIZE; i++)
        if (load(i, entry, PATH_AT) && entry->generation == now && contains(entry, pc) &&
            load(i, entry, WORDS))
            return entry->generation == now && contains(entry, pc);
    return false;
}

/* ---- what is added --------------------------------------------------------------- */

static void fill_entry(union entry *entry, const struct elf_start *elf)
{
    uint32_t next = 0;
    uint64_t size;
    entry->found = (struct module_found){
        .start = elf->start,
        .end = elf->end,
        .eh_frame = elf_start_segment(elf, PT_GNU_EH_FRAME, &next, &size),
    };
    entry->bias = elf->bias;
}

static bool read_entry(union entry *entry, uint64_t start, uint64_t pc)
{
    struct elf_start elf;
    if (!elf_start_read(&elf, start) || pc < elf.start || pc >= elf.end)
        return false;
    fill_entry(entry, &elf);
    return true;
}

/* Where a file is mapped from its beginning. One file can be mapped so twice, and data files can be between a
 * module's first mapping and its others. */
#define STARTS 8

static uint32_t read_starts(uint64_t pc, uint64_t starts[STARTS])
{
    struct maps maps;
    struct maps_line line;
    uint32_t count = 0;
    if (!maps_open(&maps, "/proc/self/maps"))
        return 0;
    while (maps_next(&maps, &line, NULL, 0) && line.start <= pc)
        if (line.offset == 0 && line.readable && (line.of_file || line.end > pc)) /* the vdso has no file */
            starts[count++ % STARTS] = line.start;
    maps_close(&maps);
    return count;
}

static void read_path(uint64_t start, char path[MODULE_PATH])
{
    struct maps maps;
    struct maps_line line;
    path[0] = 0;
    if (!maps_open(&maps, "/proc/self/maps"))
        return;
    while (maps_next(&maps, &line, path, MODULE_PATH) && line.start != start)
        path[0] = 0;
    maps_close(&maps);
}

/* *read: a file is mapped below pc. False if the maps cannot be read, as without free file descriptors. */
static bool search_maps(uint64_t pc, union entry *entry, bool *read)
{
    uint64_t starts[STARTS];
    entry->generation = atomic_load(&generation); /* before the reading: an unload makes it too old */
    uint32_t count = read_starts(pc, starts);
    *read = count > 0;
    uint32_t first = count < STARTS ? 0 : count - STARTS;
    for (uint32_t i = first; i < count; i++)
        if (read_entry(entry, starts[i % STARTS], pc)) {
            read_path(entry->found.start, entry->path);
            store(entry);
            return true;
        }
    return false;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    union entry entry = {.path = "", .generation = atomic_load(&generation)};
    struct elf_start elf = {.bias = info->dlpi_addr, .start = UINT64_MAX};
    (void)size, (void)arg;
    for (int i = 0; i < info->dlpi_phnum && i < ELF_HEADERS; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + header->p_vaddr;
        elf.headers[elf.count++] = *header;
        if (header->p_type != PT_LOAD)
            continue;
        elf.start = start < elf.start ? start : elf.start;
        elf.end = start + header->p_memsz > elf.end ? start + header->p_memsz : elf.end;
    }
    elf.start &= ~(uint64_t)4095; /* as it is mapped */
    struct text path = text_in(entry.path, MODULE_PATH);
    text_string(&path, info->dlpi_name);
    if (path.overflow)
        return 0;
    fill_entry(&entry, &elf);
    store(&entry);
    return 0;
}

/* ---- the interface --------------------------------------------------------------- */

void module_table_fill(void)
{
    dl_iterate_phdr(add_module, NULL);
}

bool module_table_find(uint64_t pc, struct module_found *found, uint64_t *bias, char *path)
{
    union entry entry;
    bool read;
    if (!known(pc, &entry) && (shim_config.sandboxed || !search_maps(pc, &entry, &read)))
        return false;
    *found = entry.found;
    if (bias)
        *bias = entry.bias;
    if (path)
        memcpy(path, entry.path, MODULE_PATH);
    return true;
}

bool module_table_is_at(uint64_t start, uint64_t end)
{
    union entry entry;
    bool read = false;
    if (!known(start, &entry) && (shim_config.sandboxed || !search_maps(start, &entry, &read)))
        return !read;
    return entry.found.start == start && entry.found.end == end;
}

void module_table_forget(void)
{
    atomic_fetch_add(&generation, 1);
}
