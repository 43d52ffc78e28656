#include "symbolize/object.h"

#include <string.h>

/* Of two names for one variable, prefers the more global binding, then fewer underscores. Positive: global or
 * weak. */
static int object_rank(const GElf_Sym *symbol, const char *name)
{
    int binding = GELF_ST_BIND(symbol->st_info);
    int bound = binding == STB_LOCAL ? 0 : binding == STB_WEAK ? 1 : 2;
    size_t underscores = strspn(name, "_");
    return 10 * bound - (int)(underscores < 9 ? underscores : 9);
}

/* Thread-local variables have offsets, not addresses. */
static bool is_object(const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    return (type == STT_OBJECT || type == STT_COMMON) && symbol->st_size > 0;
}

static bool add_object(struct image *image, int number)
{
    GElf_Sym symbol;
    GElf_Addr address;
    GElf_Word section = SHN_UNDEF;
    const char *name =
        dwfl_module_getsym_info(image->module, number, &symbol, &address, &section, NULL, NULL);
    if (!name || !*name || section == SHN_UNDEF || section >= SHN_LORESERVE || !is_object(&symbol))
        return true;
    struct range range = {
        .low = address,
        .high = address + symbol.st_size,
        .value = (uintptr_t)name,
        .rank = object_rank(&symbol, name),
    };
    return ranges_add(&image->objects, &range);
}

static void read_objects(struct image *image)
{
    int count = dwfl_module_getsymtab(image->module);
    image->has_objects = true;
    for (int i = 1; i < count; i++)
        if (!add_object(image, i))
            return;
}

const char *image_object(struct image *image, GElf_Addr address, uint64_t *into, bool *local)
{
    if (!image->has_objects)
        read_objects(image);
    const struct range *range = ranges_find(&image->objects, address);
    if (!range)
        return NULL;
    *into = address - range->low;
    *local = range->rank <= 0;
    return (const char *)(uintptr_t)range->value;
}
