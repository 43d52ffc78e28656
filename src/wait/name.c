#include "wait/name.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/search.h"
#include "base/text.h"

/* malloc/arena.c: all arenas but the main one consist of heaps of HEAP_MAX_SIZE, aligned to it. */
#define ARENA_BYTES (UINT64_C(64) << 20)
enum { MAX_HEAP_INFO = 64, RED_ZONE = 128 };

struct stack_place {
    uint64_t sp;
    pid_t tid;
};

struct object_names {
    struct wait_context context;
    const struct modules *modules;
    struct stack_place *stacks; /* by ascending sp */
    size_t stack_count;
    void *found; /* tsearch tree of struct object_name, by address */
};

/* ---- stacks ----------------------------------------------------------------------- */

static int compare_stacks(const void *a, const void *b)
{
    const struct stack_place *x = a, *y = b;
    return x->sp < y->sp ? -1 : x->sp > y->sp;
}

static bool list_stacks(struct object_names *names)
{
    const struct snapshot *snapshot = names->context.snapshot;
    names->stacks = malloc((snapshot->count + 1) * sizeof(*names->stacks));
    if (!names->stacks)
        return false;
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->threads[i].state == SNAPSHOT_STOPPED)
            names->stacks[names->stack_count++] =
                (struct stack_place){snapshot->threads[i].sp, snapshot->threads[i].tid};
    qsort(names->stacks, names->stack_count, sizeof(*names->stacks), compare_stacks);
    return true;
}

/* Stacks grow downwards: an address belongs to the thread with the nearest sp below it. */
static pid_t stack_owner(const struct object_names *names, const struct region *region, uint64_t address)
{
    size_t above = SEARCH_FIRST(i, names->stack_count, names->stacks[i].sp > address + RED_ZONE);
    return above && names->stacks[above - 1].sp >= region->start ? names->stacks[above - 1].tid : 0;
}

/* ---- memory ------------------------------------------------------------------------ */

/* struct heap_info begins with a pointer to the arena, one to the previous heap, and the
 * size in use.  The arena itself follows the heap_info of its first heap. */
static bool is_in_arena(const struct snapshot *snapshot, uint64_t address)
{
    uint64_t base = address & ~(ARENA_BYTES - 1), info[3];
    if (!snapshot_read_live(snapshot, base, info, sizeof(info)))
        return false;
    uint64_t into_first = info[0] & (ARENA_BYTES - 1);
    return into_first >= 16 && into_first <= MAX_HEAP_INFO && info[2] <= ARENA_BYTES &&
           address - base < info[2] && (info[1] & (ARENA_BYTES - 1)) == 0 &&
           (info[1] ? info[1] != base : (info[0] & ~(ARENA_BYTES - 1)) == base);
}

static char *name_in_module(const struct object_names *names, const struct module *module,
                            struct object_name *name)
{
    const struct code_address address = module_address(module, name->address);
    uint64_t into = 0;
    char *text = NULL;
    const char *symbol = symbolize_data(names->context.symbolizer, &address, &into);
    int length;
    name->place = symbol ? PLACE_SYMBOL : PLACE_MODULE;
    if (symbol && into)
        length = asprintf(&text, "%s+0x%" PRIx64, symbol, into);
    else if (symbol)
        length = asprintf(&text, "%s", symbol);
    else
        length = asprintf(&text, "%s+0x%" PRIx64, path_basename(module->path), address.offset);
    return length < 0 ? NULL : text;
}

/* mmap(2) with MAP_SHARED and MAP_ANONYMOUS, and shmget(2), map files of the kernel. */
static const char *file_name(const struct region *region)
{
    bool is_of_kernel =
        text_begins_with(region->path, "/dev/zero") || text_begins_with(region->path, "/SYSV");
    return is_of_kernel ? "shared memory" : region->path;
}

/* False: out of memory. */
static bool find_name(const struct object_names *names, struct object_name *name)
{
    const struct snapshot *snapshot = names->context.snapshot;
    const struct region *region = address_space_find(&snapshot->space, name->address);
    const struct module *module = region ? modules_find(names->modules, name->address) : NULL;
    if (!region)
        return true;
    if (module) {
        name->text = name_in_module(names, module, name);
        return name->text != NULL;
    }
    if (strcmp(region->path, "[heap]") == 0 ||
        (!region->path[0] && region->writable && is_in_arena(snapshot, name->address)))
        name->place = PLACE_HEAP;
    else if (region->path[0] != '/' && (name->owner = stack_owner(names, region, name->address)))
        name->place = PLACE_STACK;
    else
        name->place = region->path[0] == '/' ? PLACE_FILE : PLACE_ANONYMOUS;
    if (name->place == PLACE_STACK)
        return true;
    name->text = strdup(name->place == PLACE_HEAP   ? "heap"
                        : name->place == PLACE_FILE ? file_name(region)
                                                    : "anonymous memory");
    return name->text != NULL;
}

/* ---- the cache ----------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct object_name *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static void free_name(void *at)
{
    struct object_name *name = at;
    free(name->text);
    free(name);
}

const struct object_name *object_name(struct object_names *names, uint64_t address)
{
    const struct object_name key = {.address = address};
    struct object_name **found = tfind(&key, &names->found, compare_names);
    if (found)
        return *found;
    struct object_name *name = calloc(1, sizeof(*name));
    if (!name)
        return NULL;
    name->address = address;
    if (!find_name(names, name) || !tsearch(name, &names->found, compare_names)) {
        free_name(name);
        return NULL;
    }
    return name;
}

struct object_names *object_names_new(const struct wait_context *context, const struct modules *modules)
{
    struct object_names *names = calloc(1, sizeof(*names));
    if (!names)
        return NULL;
    names->context = *context;
    names->modules = modules;
    if (list_stacks(names))
        return names;
    object_names_free(names);
    return NULL;
}

void object_names_free(struct object_names *names)
{
    if (!names)
        return;
    tdestroy(names->found, free_name);
    free(names->stacks);
    free(names);
}
