#include "preload/ledger/module_find.h"

#include <link.h>
#include <stdatomic.h>

#include "common/compat.h"
#include "preload/shim/readable.h"

#define HAS_FIND_OBJECT (loader_find_object != NULL)

static bool find_object(uint64_t pc, struct module_found *found, const struct link_map **map)
{
    struct found_object object;
    if (loader_find_object((void *)pc, &object) != 0)
        return false;
    *found = (struct module_found){
        .start = (uint64_t)object.map_start,
        .end = (uint64_t)object.map_end,
        .eh_frame = (uint64_t)object.eh_frame,
    };
    *map = object.link_map;
    return true;
}

/* The members that <link.h> names. */
static bool copy_map(struct link_map *copy, const void *map)
{
    return memory_copy(copy, map, sizeof(*copy));
}

void module_find_start(void)
{
    if (!HAS_FIND_OBJECT)
        module_table_fill();
}

bool module_find(uint64_t pc, struct module_found *found)
{
    const struct link_map *map;
    if (HAS_FIND_OBJECT)
        return find_object(pc, found, &map);
    return module_table_find(pc, found, NULL, NULL);
}

bool module_find_path(uint64_t pc, struct module_found *found, uint64_t *bias, char path[MODULE_PATH])
{
    const struct link_map *map;
    struct link_map copy;
    if (!HAS_FIND_OBJECT)
        return module_table_find(pc, found, bias, path);
    if (!find_object(pc, found, &map) || !copy_map(&copy, map) ||
        !memory_copy_string(path, copy.l_name, MODULE_PATH))
        return false;
    *bias = copy.l_addr;
    return true;
}

bool module_is_at(uint64_t start, uint64_t end)
{
    struct module_found found;
    if (!HAS_FIND_OBJECT)
        return module_table_is_at(start, end);
    return module_find(start, &found) && found.start == start && found.end == end;
}

/* ---- dlclose --------------------------------------------------------------------- */

static _Atomic uint32_t unloading;

struct module_unload module_unload_begin(void *handle)
{
    struct link_map map;
    struct module_unload unload = {0};
    /* The handle of a library is its link_map (dlinfo(3)). */
    if (HAS_FIND_OBJECT && copy_map(&map, handle))
        unload = (struct module_unload){.bias = map.l_addr, .inside = (uint64_t)map.l_ld};
    atomic_fetch_add(&unloading, 1);
    return unload;
}

bool module_unload_end(const struct module_unload *unload, int result)
{
    struct module_found found;
    const struct link_map *map;
    struct link_map copy;
    if (result != 0)
        return false;
    /* A library that unloads others is itself unloaded first. */
    bool still_there = unload->inside && find_object(unload->inside, &found, &map) && copy_map(&copy, map) &&
                       copy.l_addr == unload->bias && (uint64_t)copy.l_ld == unload->inside;
    if (!still_there)
        module_table_forget();
    return !still_there;
}

void module_unload_done(void)
{
    /* In a child that was forked in dlclose, it is already 0. */
    uint32_t count = atomic_load(&unloading);
    while (count > 0 && !atomic_compare_exchange_weak(&unloading, &count, count - 1))
        ;
}

uint32_t module_unloading(void)
{
    return atomic_load_explicit(&unloading, memory_order_acquire);
}

bool module_unload_in_child(void)
{
    return atomic_exchange(&unloading, 0) > 0;
}
