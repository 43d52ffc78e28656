#include "symbolize/file.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/progress.h"
#include "proc/replaced.h"
#include "symbolize/process_file.h"

#define SERVERS "DEBUGINFOD_URLS"
#define DEBUG_DIRECTORY "/usr/lib/debug/.build-id"

/* ---- symbols ------------------------------------------------------------------------- */

/* Of two names for one address, prefers one with a size, then the more global binding, then fewer
 * underscores. */
static int symbol_rank(const GElf_Sym *symbol, const char *name)
{
    int binding = GELF_ST_BIND(symbol->st_info);
    int bound = binding == STB_LOCAL ? 0 : binding == STB_WEAK ? 1 : 2;
    size_t underscores = strspn(name, "_");
    return (symbol->st_size ? 100 : 0) + 10 * bound - (int)(underscores < 9 ? underscores : 9);
}

/* A label of assembler code counts as a function. */
static bool is_code(const GElf_Sym *symbol, const char *name, const GElf_Shdr *section)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    if (type == STT_FUNC || type == STT_GNU_IFUNC)
        return true;
    return type == STT_NOTYPE && *name != '$' && (section->sh_flags & SHF_EXECINSTR);
}

/* A stripped file has the symbols of what it exports. Such a symbol without a size would be the name of all
 * functions that follow. */
static bool has_all_symbols(Elf *elf)
{
    GElf_Shdr section;
    for (Elf_Scn *at = elf_nextscn(elf, NULL); at; at = elf_nextscn(elf, at))
        if (gelf_getshdr(at, &section) && section.sh_type == SHT_SYMTAB)
            return true;
    return false;
}

static bool add_symbol(struct image *image, int number)
{
    GElf_Sym symbol;
    GElf_Addr address;
    GElf_Word section_number = SHN_UNDEF;
    Elf *elf = NULL;
    Dwarf_Addr bias;
    GElf_Shdr section;
    const char *name =
        dwfl_module_getsym_info(image->module, number, &symbol, &address, &section_number, &elf, &bias);
    if (!name || !*name || section_number == SHN_UNDEF || section_number >= SHN_LORESERVE ||
        !gelf_getshdr(elf_getscn(elf, section_number), &section) || !is_code(&symbol, name, &section))
        return true;
    uint64_t end = section.sh_addr + bias + section.sh_size;
    if (!symbol.st_size && !has_all_symbols(elf))
        end = address + 1;
    struct range range = {
        .low = address,
        .high = symbol.st_size ? address + symbol.st_size : end,
        .open = !symbol.st_size,
        .value = (uintptr_t)name,
        .rank = symbol_rank(&symbol, name),
    };
    return ranges_add(&image->symbols, &range);
}

const char *image_symbol(struct image *image, GElf_Addr address, GElf_Addr *start)
{
    const struct range *range = ranges_find(&image->symbols, address);
    if (!range)
        return NULL;
    *start = range->low;
    return (const char *)(uintptr_t)range->value;
}

/* ---- files ------------------------------------------------------------------------------ */

static void to_hex(char *out, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length && i < 32; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static bool is_unchanged(uint64_t changed_ns, uint64_t since)
{
    return !since || changed_ns <= since;
}

static bool is_wanted(struct image *image, const struct stat *status)
{
    const unsigned char *bits;
    GElf_Addr address;
    char found[sizeof(image->build_id)] = "";
    if (!image->build_id[0]) {
        image->changed_ns = (uint64_t)status->st_ctim.tv_sec * 1000000000 + (uint64_t)status->st_ctim.tv_nsec;
        return is_unchanged(image->changed_ns, image->unchanged_since);
    }
    int length = dwfl_module_build_id(image->module, &bits, &address);
    if (length > 0)
        to_hex(found, bits, (size_t)length);
    return strcmp(found, image->build_id) == 0;
}

static void close_file(struct image *image)
{
    dwarf_index_free(image->dwarf);
    ranges_release(&image->symbols);
    aliases_release(&image->aliases);
    ranges_release(&image->objects);
    if (image->dwfl)
        dwfl_end(image->dwfl);
    image->dwarf = NULL;
    image->dwfl = NULL;
    image->module = NULL;
}

/* libdwfl would unpack an archive or a compressed file. */
static bool is_program(int fd)
{
    unsigned char start[EI_NIDENT + 2];
    size_t got = pread_all(fd, 0, start, sizeof(start));
    if (got != sizeof(start) || memcmp(start, ELFMAG, SELFMAG) != 0)
        return false;
    bool big = start[EI_DATA] == ELFDATA2MSB;
    int type = start[EI_NIDENT + big] | start[EI_NIDENT + !big] << 8;
    return type == ET_EXEC || type == ET_DYN;
}

/* Loads the file at its own addresses. False: it is another build. */
static bool open_file(struct image *image, const char *path)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address,
    };
    struct stat status;
    int fd = regular_file_open(path, &status);
    image->dwfl = fd >= 0 && is_program(fd) ? dwfl_begin(&callbacks) : NULL;
    /* It closes the descriptor if it succeeds. */
    image->module = image->dwfl ? dwfl_report_offline(image->dwfl, path, path, fd) : NULL;
    if (!image->module && fd >= 0)
        close(fd);
    if (!image->dwfl)
        return false;
    dwfl_report_end(image->dwfl, NULL, NULL);
    if (!image->module || !dwfl_module_getelf(image->module, &image->bias) || !is_wanted(image, &status)) {
        close_file(image);
        return false;
    }
    if (!image->symbols_only)
        image->dwarf = dwarf_index_new(image->module);
    int count = dwfl_module_getsymtab(image->module);
    for (int i = 1; i < count; i++)
        if (!add_symbol(image, i))
            break;
    return true;
}

/* If the file was replaced, the debug files may have the old one, by build-id. */
static bool open_by_build_id(struct image *image)
{
    static const char *const endings[] = {"", ".debug"};
    char path[sizeof(DEBUG_DIRECTORY) + sizeof(image->build_id) + 16];
    const char *id = image->build_id;
    if (strlen(id) < 4)
        return false;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%.2s/%s%s", DEBUG_DIRECTORY, id, id + 2, endings[i]);
        if (open_file(image, path))
            return true;
    }
    return false;
}

static bool accept(void *image, const char *path)
{
    return open_file(image, path);
}

static bool is_replaced(pid_t process, const char *path)
{
    char **replaced = process_replaced_files(process);
    bool is = false;
    for (char **at = replaced; at && *at; at++) {
        is = is || strcmp(*at, path) == 0;
        free(*at);
    }
    free(replaced);
    return is;
}

/* Without a build-id nothing proves that the file at the path is the one that the process runs. */
static bool open_path(struct image *image, pid_t process)
{
    const char *path = image->path;
    if (*path != '/')
        return false;
    if (process > 0 && !image->build_id[0] && is_replaced(process, path))
        return process_file_mapped(process, path, accept, image);
    return (process > 0 && process_file_in_root(process, path, accept, image)) || open_file(image, path) ||
           (process > 0 && process_file_mapped(process, path, accept, image));
}

static void open_anywhere(struct image *image, pid_t process)
{
    if (!open_path(image, process))
        open_by_build_id(image);
}

/*
 * libdwfl asks the servers of the environment by itself when it searches for debug files. It does so only
 * here.
 */
static void open_without_servers(struct image *image, pid_t process)
{
    const char *value = getenv(SERVERS);
    char *servers = value ? strdup(value) : NULL;
    unsetenv(SERVERS);
    open_anywhere(image, process);
    if (servers)
        setenv(SERVERS, servers, 1);
    free(servers);
}

struct image *image_open(const struct code_address *address, bool debuginfod, bool symbols_only,
                         pid_t process, uint64_t unchanged_since)
{
    struct image *image = calloc(1, sizeof(*image));
    if (!image)
        return NULL;
    to_hex(image->build_id, address->build_id, address->build_id ? address->build_id_len : 0);
    image->symbols_only = symbols_only;
    image->process = process;
    image->unchanged_since = unchanged_since;
    image->unproven = address->is_unproven && !image->build_id[0];
    image->path = strdup(address->module);
    if (!image->path) {
        free(image);
        return NULL;
    }
    if (image->unproven || (process < 0 && !image->build_id[0]))
        return image;
    progress(debuginfod ? "reading %s, and asking debuginfod for it" : "reading symbols of %s",
             path_basename(image->path));
    if (!debuginfod)
        open_without_servers(image, process);
    else
        open_anywhere(image, process);
    return image;
}

static int file_of_memory(const void *bytes, size_t size)
{
    int fd = memory_file("image");
    if (fd >= 0 && write(fd, bytes, size) == (ssize_t)size)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* libdwfl can read only files. */
struct image *image_of_memory(const char *module, const void *bytes, size_t size)
{
    char path[64];
    const unsigned char *bits;
    GElf_Addr address;
    struct image *image = calloc(1, sizeof(*image));
    int fd = image && (image->path = strdup(module)) ? file_of_memory(bytes, size) : -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    bool ok = fd >= 0 && open_file(image, path);
    if (fd >= 0)
        close(fd);
    if (!ok) {
        if (image)
            image_free(image);
        return NULL;
    }
    int length = dwfl_module_build_id(image->module, &bits, &address);
    to_hex(image->build_id, bits, length > 0 ? (size_t)length : 0);
    return image;
}

void image_free(struct image *image)
{
    close_file(image);
    free(image->path);
    free(image);
}

bool image_is_of(const struct image *image, const struct code_address *address, pid_t process,
                 uint64_t unchanged_since)
{
    char build_id[sizeof(image->build_id)];
    to_hex(build_id, address->build_id, address->build_id ? address->build_id_len : 0);
    if (strcmp(image->path, address->module) != 0 || strcmp(image->build_id, build_id) != 0 ||
        image->unproven != (address->is_unproven && !build_id[0]))
        return false;
    if (image->changed_ns && is_unchanged(image->changed_ns, unchanged_since) != (image->module != NULL))
        return false;
    return image->process == process || (image->module && image->build_id[0]);
}
