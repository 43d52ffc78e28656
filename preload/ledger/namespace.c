#include "preload/ledger/namespace.h"

#include <link.h>
#include <string.h>

#include "preload/ledger/section.h"
#include "preload/shim/readable.h"

/*
 * Since 2.35, glibc links the structures of all namespaces for debuggers: struct r_debug_extended in its
 * <link.h>. It sets r_version to 2 when there is a second one, and never removes a structure. The list of the
 * libraries in it can change at any time.
 */
struct debug_namespace {
    struct r_debug base;
    struct debug_namespace *next;
};
#ifdef __GLIBC__
extern const struct debug_namespace debug_namespaces __asm__("_r_debug");
#else
static const struct debug_namespace debug_namespaces; /* musl has no other namespace */
#endif

#define NAME_MAX_BYTES 160

/* "" if it is not readable. */
static void copy_name(char out[NAME_MAX_BYTES], const struct link_map *map)
{
    struct link_map copy;
    memset(out, 0, NAME_MAX_BYTES);
    if (!shim_config.sandboxed && memory_copy(&copy, map, sizeof(copy)))
        memory_copy_string(out, copy.l_name, NAME_MAX_BYTES - 1); /* or its beginning */
}

bool namespace_exists(void)
{
    return debug_namespaces.base.r_version >= 2;
}

static const struct link_map *first_of_another(void)
{
    const struct debug_namespace *at = &debug_namespaces;
    const struct link_map *map = NULL;
    if (!namespace_exists())
        return NULL;
    for (at = at->next; at && !map; at = at->next)
        map = at->base.r_map;
    return map;
}

void namespace_note(struct shim_state *state)
{
    static const char unknown[] = "?";
    const struct link_map *map = first_of_another();
    char name[NAME_MAX_BYTES];
    if (!map || atomic_load(&state->header->second_namespace))
        return;
    copy_name(name, map);
    const char *text = *name ? name : unknown;
    atomic_store(&state->header->second_namespace, ledger_store_string(state, text, (uint32_t)strlen(text)));
}
