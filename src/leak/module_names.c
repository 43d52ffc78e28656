#include "leak/module_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"

struct module_name {
    char build_id[2 * 32 + 1]; /* hex */
    const char *path;          /* of the ledger */
    const char *other;         /* of current stacks; NULL: not seen */
};

struct module_names {
    struct module_name *items;
    size_t count;
};

static bool add(struct module_names *names, const struct ledger_module *module, const char *path)
{
    if (!ARRAY_GROW(names->items, names->count))
        return false;
    struct module_name *name = &names->items[names->count++];
    *name = (struct module_name){.path = path};
    for (uint32_t i = 0; i < module->build_id_len && i < sizeof(module->build_id); i++)
        snprintf(name->build_id + 2 * i, 3, "%02x", module->build_id[i]);
    return path != NULL;
}

static bool read_names(struct module_names *names, const struct ledger *ledger, struct symbolizer *symbolizer)
{
    const struct ledger_module *module;
    for (uint32_t i = 0; (module = ledger_get_module(ledger, i)); i++) {
        const char *path = ledger_get_string(ledger, module->path);
        if (module->build_id_len && *path && !add(names, module, symbolizer_keep(symbolizer, path)))
            return false;
    }
    return true;
}

static void rename_module(const struct module_names *names, struct frame *frame)
{
    for (size_t i = 0; i < names->count && frame->module && frame->build_id; i++) {
        struct module_name *name = &names->items[i];
        if (strcmp(name->build_id, frame->build_id) != 0)
            continue;
        if (strcmp(name->path, frame->module) != 0)
            name->other = frame->module;
        frame->module = name->path;
        return;
    }
}

/* "condvar wait on libuv.so.1.0.0+0x2f200": replaces the name of the module. False: out of memory. */
static bool replace_all(char **text, const char *from, const char *to)
{
    size_t at = 0, length = strlen(from);
    for (char *found; *text && (found = strstr(*text + at, from));) {
        char *changed;
        bool whole = found[length] == '+' && (found == *text || strchr(" (", found[-1]));
        size_t begin = (size_t)(found - *text);
        at = begin + 1;
        if (!whole)
            continue;
        if (asprintf(&changed, "%.*s%s%s", (int)begin, *text, to, found + length) < 0)
            return false;
        free(*text);
        *text = changed;
        at = begin + strlen(to);
    }
    return true;
}

static bool rename_in_wait(const struct module_name *name, struct wait *wait)
{
    const char *from = path_basename(name->other), *to = path_basename(name->path);
    return !strcmp(from, to) ||
           (replace_all(&wait->text, from, to) && replace_all(&wait->what, from, to) &&
            replace_all(&wait->symbol, from, to) && replace_all(&wait->mutex_symbol, from, to));
}

bool module_names_unify(struct stacks *stacks, const struct ledger *ledger, struct symbolizer *symbolizer)
{
    struct module_names names = {NULL, 0};
    bool done = !stacks || read_names(&names, ledger, symbolizer);
    for (size_t i = 0; done && stacks && i < stacks->shared_count; i++)
        for (size_t j = 0; j < stacks->shared[i].count; j++)
            rename_module(&names, &stacks->shared[i].frames[j]);
    for (size_t i = 0; i < names.count; i++)
        for (size_t j = 0; done && names.items[i].other && j < stacks->count; j++)
            done = rename_in_wait(&names.items[i], &stacks->threads[j].wait);
    free(names.items);
    return done;
}
