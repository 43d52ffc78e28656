#include "preload/ledger/module.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#include "preload/ledger/elf_start.h"
#include "preload/ledger/namespace.h"
#include "preload/ledger/section.h"
#include "preload/shim/readable.h"
#include "preload/shim/stack_room.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

void module_describe(const struct module_found *found, struct module_phdrs *phdrs)
{
    phdrs->headers[0] =
        (ElfW(Phdr)){.p_type = PT_LOAD, .p_vaddr = found->start, .p_memsz = found->end - found->start};
    phdrs->headers[0].p_filesz = phdrs->headers[0].p_memsz;
    phdrs->headers[1] = (ElfW(Phdr)){.p_type = PT_GNU_EH_FRAME, .p_vaddr = found->eh_frame};
    phdrs->info = (struct dl_phdr_info){.dlpi_name = "", .dlpi_phdr = phdrs->headers, .dlpi_phnum = 2};
}

#define NOTES_MAX 256 /* .note.gnu.property comes first in some segments */

static bool copy_build_id(const char *notes, uint64_t size, struct ledger_module *module)
{
    for (uint64_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        const ElfW(Nhdr) *note = (const void *)(notes + at);
        uint64_t name = at + sizeof(*note);
        uint64_t desc = name + (((uint64_t)note->n_namesz + 3) & ~3ull);
        uint64_t end = desc + note->n_descsz;
        if (end > size)
            return false;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
            note->n_descsz <= sizeof(module->build_id) && memcmp(notes + name, "GNU", 4) == 0) {
            memcpy(module->build_id, notes + desc, note->n_descsz);
            module->build_id_len = note->n_descsz;
            return true;
        }
        at = (end + 3) & ~3ull;
    }
    return false;
}

/* Where memory is unmapped between the segments of a program, each is an object of its own for glibc (since
 * 2.35). Linkers leave such gaps if pages may be large: always on aarch64. The ELF header is
 * in the first segment, as the program headers are, whose address is AT_PHDR. */
static bool find_start(const struct module_found *found, struct elf_start *elf)
{
    if (elf_start_read(elf, found->start))
        return true;
    uint64_t start = getauxval(AT_PHDR) & ~(uint64_t)4095;
    return elf_start_read(elf, start) && found->start >= elf->start && found->start < elf->end;
}

static __attribute__((noinline)) void find_build_id(const struct module_found *found,
                                                    struct ledger_module *module)
{
    struct elf_start elf;
    uint32_t next = 0;
    uint64_t at, size;
    _Alignas(8) char notes[NOTES_MAX];
    if (!find_start(found, &elf))
        return;
    while ((at = elf_start_segment(&elf, PT_NOTE, &next, &size)) != 0) {
        size = size < sizeof(notes) ? size : sizeof(notes);
        if (memory_copy(notes, (const void *)at, size) && copy_build_id(notes, size, module))
            return;
    }
}

/* Makes the path of the loader absolute. */
static bool absolute_path(char *out, size_t size, const char *path)
{
    struct text text = text_in(out, size);
    if (!*path) {
        text_string(&text, shim_config.exe);
        return text.length > 0 && !text.overflow;
    }
    if (*path != '/' && strchr(path, '/')) {
        long n = SYS2(getcwd, out, size);
        if (n > 1 && out[0] == '/') {
            text.length = (size_t)n - 1;
            text_string(&text, "/");
        }
        while (path[0] == '.' && path[1] == '/')
            path += 2;
    }
    text_string(&text, path);
    return !text.overflow;
}

/* A file can have two paths: the loader's, and in /proc/self/maps the one without symbolic links. */
static bool same_module(const struct shim_state *state, const struct ledger_module *known,
                        const struct ledger_module *found, const char *path)
{
    if (!known->path || known->build_id_len != found->build_id_len ||
        memcmp(known->build_id, found->build_id, found->build_id_len) != 0)
        return false;
    bool same_place = found->build_id_len > 0 && known->bias == found->bias;
    return same_place || strcmp(state->strings + known->path, path) == 0;
}

static void move(struct ledger_module *known, const struct ledger_module *found)
{
    known->end = 0;
    known->bias = found->bias;
    known->start = found->start;
    known->end = found->end;
}

static bool is_loaded(const struct ledger_module *module)
{
    uint64_t end = module->end, start = module->start;
    return !end || !start || module_is_at(start, end) || module->end != end;
}

/* The loader unmaps some libraries without the hook: those of name services, for example. Another thread can
 * be in mark() for the unload before this: here `unloaded` is stored after the addresses, there before they
 * are read again. */
static void record_again(struct ledger_module *known, const struct ledger_module *found)
{
    bool moved = known->bias != found->bias;
    if (!atomic_load(&known->unloaded) && (!moved || is_loaded(known)))
        return;
    if (!moved)
        atomic_store(&known->unloaded_serial, 0);
    move(known, found);
    atomic_store(&known->unloaded, 0);
}

static void mark(struct ledger_module *module, uint64_t serial, ledger_pc at)
{
    atomic_store(&module->unloaded_at, at);
    atomic_store(&module->unloaded_serial, serial);
    atomic_store(&module->unloaded, 1);
    if (!is_loaded(module))
        return;
    atomic_store(&module->unloaded_serial, 0); /* it was loaded again meanwhile */
    atomic_store(&module->unloaded, 0);
}

bool module_is_marked_at(const struct shim_state *state, uint64_t address)
{
    uint32_t used = ledger_used(state->header, SECTION_MODULES);
    for (uint32_t i = 0; i < used; i++) {
        const struct ledger_module *module = &state->modules[i];
        if (atomic_load(&module->unloaded) && address >= module->start && address < module->end)
            return true;
    }
    return false;
}

/* While several threads unload, only that of the handle is known to be of this dlclose. Another one can have
 * marked it before. */
void module_mark_unloaded(struct shim_state *state, const struct module_unload *unload, ledger_pc at)
{
    uint32_t used = ledger_used(state->header, SECTION_MODULES);
    for (uint32_t i = 0; i < used; i++) {
        struct ledger_module *module = &state->modules[i];
        bool own = !unload->reused && unload->inside >= module->start && unload->inside < module->end;
        bool marked = atomic_load(&module->unloaded) && !(own && !atomic_load(&module->unloaded_at));
        if (!marked && !is_loaded(module))
            mark(module, unload->serial, own || module_unloading() == 1 ? at : 0);
    }
}

/* LEDGER_NO_MODULE: the table is full, or the path is too long. */
static uint32_t module_index(struct shim_state *state, struct ledger_module *module, const char *loader_path)
{
    char path[MODULE_PATH];
    if (!absolute_path(path, sizeof(path), loader_path))
        return LEDGER_NO_MODULE;
    uint32_t used = ledger_used(state->header, SECTION_MODULES);
    for (uint32_t i = 0; i < used; i++)
        if (same_module(state, &state->modules[i], module, path)) {
            record_again(&state->modules[i], module);
            return i;
        }
    module->path = ledger_store_string(state, path, (uint32_t)strlen(path));
    uint32_t index = module->path ? ledger_take(state, SECTION_MODULES, 1) : UINT32_MAX;
    if (index >= LEDGER_NO_MODULE)
        return LEDGER_NO_MODULE;
    struct ledger_module record = *module;
    record.start = 0; /* written last: find_known */
    state->modules[index] = record;
    atomic_store_explicit(&state->modules[index].start, module->start, memory_order_release);
    return index;
}

/* The record of what is at these addresses, without a system call. Not after an unload, which can leave them
 * to another library. */
static uint32_t find_known(const struct shim_state *state, uint64_t pc, struct ledger_module *module)
{
    struct module_found found;
    uint32_t used = ledger_used(state->header, SECTION_MODULES);
    bool unloads = atomic_load(&state->header->generation) || module_unloading() || namespace_exists();
    if (unloads || !module_find(pc, &found))
        return LEDGER_NO_MODULE;
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load_explicit(&state->modules[i].start, memory_order_acquire) == found.start &&
            state->modules[i].end == found.end) {
            *module = state->modules[i];
            return i;
        }
    return LEDGER_NO_MODULE;
}

/* Not inlined: its memory is only taken on a stack that has it. */
static __attribute__((noinline)) uint32_t find_index(struct shim_state *state, uint64_t pc,
                                                     struct ledger_module *module)
{
    struct module_found found;
    char path[MODULE_PATH];
    uint32_t known = find_known(state, pc, module);
    if (known != LEDGER_NO_MODULE)
        return known;

    *module = (struct ledger_module){0};
    /* A return address can be one byte after the end of its function and module. */
    if (!module_find_path(pc, &found, &module->bias, path) &&
        !module_find_path(pc - 1, &found, &module->bias, path))
        return LEDGER_NO_MODULE;
    module->start = found.start;
    module->end = found.end;
    find_build_id(&found, module);
    return module_index(state, module, path);
}

struct encoding {
    struct shim_state *state;
    const uint64_t *pcs;
    ledger_pc *encoded;
    uint32_t count;
};

/* Most frames are in the module of the frame before. */
static void encode(void *arg)
{
    struct encoding *encoding = arg;
    struct ledger_module module = {0};
    uint64_t index = LEDGER_NO_MODULE;

    for (uint32_t i = 0; i < encoding->count; i++) {
        uint64_t pc = encoding->pcs[i];
        if (pc < module.start || pc >= module.end)
            index = find_index(encoding->state, pc, &module);
        if (index != LEDGER_NO_MODULE)
            encoding->encoded[i] = index << 48 | ((pc - module.bias) & LEDGER_PC_OFFSET_MASK);
    }
}

void module_encode_all(struct shim_state *state, const uint64_t *pcs, uint32_t count, ledger_pc *encoded)
{
    struct encoding encoding = {state, pcs, encoded, count};
    for (uint32_t i = 0; i < count; i++)
        encoded[i] = (uint64_t)LEDGER_NO_MODULE << 48 | (pcs[i] & LEDGER_PC_OFFSET_MASK);
    if (stack_has_room())
        encode(&encoding);
    else
        stack_with_room(encode, &encoding);
}

ledger_pc module_encode(struct shim_state *state, uint64_t pc)
{
    ledger_pc encoded;
    module_encode_all(state, &pc, 1, &encoded);
    return encoded;
}
