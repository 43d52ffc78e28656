#include "preload/shim/next.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "preload/shim/dynamic.h"

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

static bool is_named(const struct link_map *map, const char *name)
{
    const char *last = map->l_name;
    for (const char *at = last; *at; at++)
        if (*at == '/')
            last = at + 1;
    return dynamic_same_name(last, name);
}

/* An IFUNC's value is a function that chooses one, and a library can define it as a variable: dlsym knows. */
static void *address_of(const struct link_map *map, const ElfW(Sym) * symbol)
{
    bool plain =
        ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && ELF64_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT;
    return plain ? (void *)(map->l_addr + symbol->st_value) : NULL;
}

/* Libc is never unloaded, so its section is read once. All threads store the same. */
static struct dynamic libc_section;
static const struct link_map *_Atomic libc_map;

static bool is_libc(const struct link_map *map)
{
    const struct link_map *known = atomic_load_explicit(&libc_map, memory_order_acquire);
    return known ? map == known : is_named(map, "libc.so.6");
}

static struct dynamic read_libc(const struct link_map *map)
{
    struct dynamic section;
    if (atomic_load_explicit(&libc_map, memory_order_acquire))
        return libc_section;
    dynamic_read(&section, map);
    libc_section = section;
    atomic_store_explicit(&libc_map, map, memory_order_release);
    return section;
}

void *next_definition(const char *name)
{
    const struct link_map *map = own_map();
    struct dynamic dynamic;
    bool libc = !map, libpthread = !map; /* already searched */
    while (!(libc && libpthread) && (map = map->l_next)) {
        bool now = is_libc(map);
        if (now)
            dynamic = read_libc(map);
        else
            dynamic_read(&dynamic, map);
        if (!dynamic.hash)
            return NULL;
        const ElfW(Sym) *symbol = dynamic_find(&dynamic, name);
        if (symbol)
            return address_of(map, symbol);
        libc = libc || now;
        /* Before glibc 2.34, libc has no threads, and libpthread comes before or after it. */
        libpthread = libpthread || is_named(map, "libpthread.so.0") ||
                     (libc && dynamic_find(&dynamic, "pthread_create"));
    }
    return NULL;
}

#ifdef __GLIBC__
void *next_in_libc(const char *name)
{
    const struct link_map *map = own_map();
    while (map && !is_libc(map))
        map = map->l_next;
    if (!map)
        return NULL;
    const struct dynamic dynamic = read_libc(map);
    const ElfW(Sym) *symbol = dynamic_find(&dynamic, name);
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
