#include "symbolize/alias.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "base/text.h"
#include "symbolize/name.h"

#define INTERNAL "__GI_" /* glibc's names for its internal calls */

enum { OLD_VERSION = 0x8000, VERSION = 0x7fff, FIRST_VERSION = 2 };

/* ---- reading ------------------------------------------------------------------------- */

static bool is_exported(const GElf_Sym *symbol, const char *name)
{
    int binding = GELF_ST_BIND(symbol->st_info);
    return name && *name && !is_mangled(name) && GELF_ST_TYPE(symbol->st_info) == STT_FUNC &&
           (binding == STB_GLOBAL || binding == STB_WEAK);
}

static bool add(struct aliases *aliases, const GElf_Sym *symbol, GElf_Addr address, const char *name,
                bool old)
{
    if (!ARRAY_GROW(aliases->items, aliases->count))
        return false;
    const char *version = strchr(name + 1, '@');
    aliases->items[aliases->count++] = (struct alias){
        .address = address,
        .name = name,
        .length = version ? (size_t)(version - name) : strlen(name),
        .reserved = *name == '_',
        .weak = GELF_ST_BIND(symbol->st_info) == STB_WEAK,
        .old = old || (version && version[1] != '@'),
    };
    return true;
}

static Elf_Scn *section_of(Elf *elf, GElf_Word type, GElf_Shdr *header)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
        if (gelf_getshdr(section, header) && header->sh_type == type)
            return section;
    return NULL;
}

static void read_dynamic(struct aliases *aliases, Elf *elf, GElf_Addr bias)
{
    GElf_Shdr header, other;
    Elf_Data *symbols = elf_getdata(section_of(elf, SHT_DYNSYM, &header), NULL);
    Elf_Data *versions = elf_getdata(section_of(elf, SHT_GNU_versym, &other), NULL);
    if (!symbols)
        return;
    GElf_Sym symbol;
    for (int i = 1; gelf_getsym(symbols, i, &symbol); i++) {
        const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
        GElf_Versym version = 0;
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE || !is_exported(&symbol, name))
            continue;
        if (versions && !gelf_getversym(versions, i, &version))
            version = 0;
        bool old = (version & OLD_VERSION) && (version & VERSION) >= FIRST_VERSION;
        if (!add(aliases, &symbol, symbol.st_value + bias, name, old))
            return;
    }
}

/* Without a .symtab, libdwfl gives the dynamic symbols, without their versions. */
static void read_static(struct aliases *aliases, Dwfl_Module *module)
{
    Elf *last = NULL;
    bool useful = false;
    int count = dwfl_module_getsymtab(module);
    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        GElf_Word section = SHN_UNDEF;
        GElf_Shdr header;
        Elf *elf = NULL;
        const char *name = dwfl_module_getsym_info(module, i, &symbol, &address, &section, &elf, NULL);
        if (elf != last)
            useful = section_of(elf, SHT_SYMTAB, &header);
        last = elf;
        if (!useful || section == SHN_UNDEF || section >= SHN_LORESERVE || !is_exported(&symbol, name))
            continue;
        if (!add(aliases, &symbol, address, name, false))
            return;
    }
}

static int compare_aliases(const void *a, const void *b)
{
    const struct alias *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->reserved != y->reserved)
        return x->reserved - y->reserved;
    if (x->old != y->old)
        return x->old - y->old;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return strncmp(x->name, y->name, x->length);
}

static void read_all(struct aliases *aliases, Dwfl_Module *module, GElf_Addr bias)
{
    GElf_Addr same;
    Elf *elf = dwfl_module_getelf(module, &same);
    aliases->read = true;
    if (elf)
        read_dynamic(aliases, elf, bias);
    read_static(aliases, module);
    if (aliases->count)
        qsort(aliases->items, aliases->count, sizeof(*aliases->items), compare_aliases);
}

/* ---- the choice ------------------------------------------------------------------------ */

/* Is the name demangled? Then it has types or namespaces. */
static bool is_c_identifier(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return !is_mangled(name) && !name[strspn(name, letters)];
}

static bool has_name(const struct alias *alias, const char *name)
{
    return strlen(name) == alias->length && memcmp(alias->name, name, alias->length) == 0;
}

/* Chooses from many known names; items[first] is the first of the address. */
static const char *best_known(const struct aliases *aliases, size_t first, const char *name)
{
    const struct alias *best = NULL;
    bool among = false;
    for (size_t i = first; i < aliases->count; i++) {
        const struct alias *alias = &aliases->items[i];
        if (alias->address != aliases->items[first].address || alias->reserved)
            break;
        among |= has_name(alias, name);
        if (!best || (best->weak && !alias->weak))
            best = alias;
    }
    return among ? best->name : NULL;
}

const char *aliases_find(struct aliases *aliases, Dwfl_Module *module, GElf_Addr bias, GElf_Addr address,
                         const char *name, bool is_symbol)
{
    if (!name || !is_c_identifier(name) || (*name != '_' && !is_symbol))
        return NULL;
    if (!aliases->read)
        read_all(aliases, module, bias);
    size_t at = SEARCH_FIRST(i, aliases->count, aliases->items[i].address >= address);
    if (at == aliases->count || aliases->items[at].address != address)
        return NULL;
    if (*name != '_')
        return best_known(aliases, at, name);
    bool internal = text_begins_with(name, INTERNAL);
    for (; at < aliases->count && aliases->items[at].address == address; at++) {
        const struct alias *alias = &aliases->items[at];
        if (!alias->reserved || (internal && has_name(alias, name + strlen(INTERNAL))))
            return alias->name;
    }
    return NULL;
}

void aliases_release(struct aliases *aliases)
{
    free(aliases->items);
    *aliases = (struct aliases){0};
}
