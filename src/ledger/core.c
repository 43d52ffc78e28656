/* Finds the ledger in the memory of a core. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/core.h"
#include "ledger/load.h"

#define SHIM "libthreadleak.so"

enum { MAX_CANDIDATES = 16 };

/* Ledgers that were found but could not be loaded. */
struct search {
    const struct core_file *core;
    enum ledger_open_status status;
    struct error why; /* with LEDGER_OPEN_FAILED: why the latest could not */
};

/* Did the process of the core write it? A child that was not made by fork(3) still maps its parent's ledger.
 * A debugger outside of the pid namespace of the process has another pid for it. */
static bool is_own(const struct core_file *core, const struct ledger *ledger)
{
    pid_t pid = ledger_get_header(ledger)->pid;
    return !core->pid || pid == core->pid || (core->by_debugger && pid != core->parent_pid);
}

static bool load(struct search *search, const struct ledger_source *source, struct ledger **ledger,
                 struct error *error)
{
    struct error why = {""};
    enum ledger_open_status status = ledger_load(source, ledger, &why);
    if (status == LEDGER_OPEN_OK && !is_own(search->core, *ledger)) {
        ledger_close(*ledger);
        *ledger = NULL;
        return false;
    }
    if (status == LEDGER_OPEN_FAILED) {
        search->status = status;
        search->why = why;
    }
    if (status != LEDGER_OPEN_OK)
        return false;
    error->text[0] = 0;
    if (*source->cut)
        error_set(error, "%s is truncated: creation stacks and names are missing", source->name);
    return true;
}

static bool is_memfd(const struct core_mapping *mapping)
{
    return text_begins_with(mapping->path, "/memfd:");
}

/* A ledger in the directory of a run does not change after its process died. While the process lives, the
 * ledger has changed since the core was made. */
static bool load_file(const struct core_file *core, const struct core_mapping *mapping,
                      struct ledger **ledger)
{
    struct error why;
    if (is_memfd(mapping) || !core->signal || !core->pid ||
        ledger_open_file(mapping->path, ledger, &why) != LEDGER_OPEN_OK)
        return false;
    if (is_own(core, *ledger) && !ledger_file_in_use(mapping->path, core->pid))
        return true;
    ledger_close(*ledger);
    *ledger = NULL;
    return false;
}

static void say_where(const struct core_file *core, const struct core_mapping *mapping, struct error *error)
{
    if (!is_memfd(mapping))
        error_set(
            error,
            "%s: no creation stacks: the ledger was the file %s of threadleak run, and mapped files are "
            "not dumped; set bit 3 of /proc/PID/coredump_filter, or start the program with "
            "LD_PRELOAD=" SHIM " instead",
            core->path, mapping->path);
    else if (core->notice.text[0])
        error_set(error,
                  "%s: no creation stacks: the core is incomplete, and the ledger is in the missing part",
                  core->path);
    else
        error_set(error,
                  "%s: no creation stacks: shared memory was not dumped, and the ledger is in it; "
                  "set bit 1 of /proc/PID/coredump_filter",
                  core->path);
}

static const struct core_mapping *find_named(const struct core_file *core)
{
    for (size_t i = 0; i < core->mapping_count; i++)
        if (ledger_is_path(core->mappings[i].path))
            return &core->mappings[i];
    return NULL;
}

static enum ledger_open_status open_named(const struct core_file *core, struct ledger **ledger,
                                          struct error *error)
{
    const struct core_mapping *mapping = find_named(core);
    if (mapping && load_file(core, mapping, ledger)) {
        error->text[0] = 0;
        return LEDGER_OPEN_OK;
    }
    if (mapping) {
        say_where(core, mapping, error);
        return LEDGER_OPEN_FAILED;
    }
    if (core_file_maps(core, SHIM)) {
        error_set(error, "%s: no creation stacks: the program was watched, but had no ledger", core->path);
        return LEDGER_OPEN_FAILED;
    }
    error_set(error,
              "%s: no creation stacks: the program was not watched; start it with threadleak run or "
              "LD_PRELOAD=" SHIM,
              core->path);
    return LEDGER_OPEN_NOT_WATCHED;
}

enum ledger_open_status ledger_open_core(const struct core_file *core, struct ledger **ledger,
                                         struct error *error)
{
    struct search search = {.core = core, .status = LEDGER_OPEN_NOT_WATCHED};
    size_t candidates = 0;
    bool cut = false;
    char name[300];
    struct ledger_source source = {.fd = -1, .core = core, .cut = &cut, .name = name};
    snprintf(name, sizeof(name), "the ledger in %.280s", core->path);
    *ledger = NULL;
    /* Searches for the first bytes of a ledger, because the list of mapped files may be missing. */
    for (size_t i = 0; i < core->segment_count && candidates < MAX_CANDIDATES; i++) {
        source.base = core->segments[i].start;
        source.size = UINT64_MAX - source.base;
        if (!ledger_has_magic(&source))
            continue;
        candidates++;
        cut = false;
        if (load(&search, &source, ledger, error))
            return LEDGER_OPEN_OK;
    }
    if (search.status == LEDGER_OPEN_FAILED) {
        *error = search.why;
        return search.status;
    }
    return open_named(core, ledger, error);
}
