/* The ledger that a core has among its memory. */
#include <string.h>

#include "base/path.h"
#include "core/core.h"
#include "ledger/load.h"

#define SHIM "libthreadleak.so"

enum { MAX_CANDIDATES = 16 };

/* What is known of ledgers that could not be loaded. */
struct search {
    const struct core_file *core;
    char name[300];
    enum ledger_open_status status;
    struct error why;
};

static bool has_magic(const struct core_file *core, uint64_t address)
{
    char magic[sizeof(LEDGER_MAGIC) - 1];
    return core_file_read(core, address, magic, sizeof(magic)) == sizeof(magic) &&
           memcmp(magic, LEDGER_MAGIC, sizeof(magic)) == 0;
}

/* Its own, not a parent's that a child which did not come by fork(3) still maps.  A
 * debugger outside of the process's pid namespace knows it by another pid. */
static bool is_own(const struct core_file *core, const struct ledger *ledger)
{
    pid_t pid = ledger_get_header(ledger)->pid;
    return !core->pid || pid == core->pid || (core->by_debugger && pid != core->parent_pid);
}

static bool load(struct search *search, uint64_t address, struct ledger **ledger, struct error *error)
{
    bool cut = false;
    struct error why = {""};
    const struct ledger_source source = {
        .fd = -1,
        .core = search->core,
        .cut = &cut,
        .base = address,
        .size = UINT64_MAX - address,
        .name = search->name,
    };
    enum ledger_open_status status = ledger_load(&source, ledger, &why);
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
    if (cut)
        error_set(error, "%s is truncated: creation stacks and names are missing", search->name);
    return true;
}

/* "/memfd:threadleak", or "ledger.PID.N" in the directory of a run. */
static bool is_named_ledger(const struct core_mapping *mapping)
{
    const char *name = path_basename(mapping->path);
    return strcmp(mapping->path, "/memfd:" LEDGER_MEMFD_NAME) == 0 ||
           strncmp(name, LEDGER_FILE_PREFIX, strlen(LEDGER_FILE_PREFIX)) == 0;
}

static bool is_memfd(const struct core_mapping *mapping)
{
    return strncmp(mapping->path, "/memfd:", strlen("/memfd:")) == 0;
}

/* A ledger in the directory of a run stays as it was when its process died; while that
 * lives on, it is no longer what it was when the core was made. */
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
        error_set(error,
                  "%s: no creation stacks: the ledger was the file %s of threadleak run, and files are not "
                  "dumped unless bit 3 of /proc/PID/coredump_filter is set",
                  core->path, mapping->path);
    else if (core->notice.text[0])
        error_set(error,
                  "%s: no creation stacks: the core is not whole, and the ledger is in what is missing",
                  core->path);
    else
        error_set(error,
                  "%s: no creation stacks: shared memory was not dumped, the ledger among it: "
                  "set bit 1 of /proc/PID/coredump_filter",
                  core->path);
}

static const struct core_mapping *find_named(const struct core_file *core)
{
    for (size_t i = 0; i < core->mapping_count; i++)
        if (is_named_ledger(&core->mappings[i]))
            return &core->mappings[i];
    return NULL;
}

static enum ledger_open_status look_elsewhere(const struct core_file *core, struct ledger **ledger,
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
              "%s: no creation stacks: the program was not watched: start it with LD_PRELOAD=" SHIM
              " or threadleak run",
              core->path);
    return LEDGER_OPEN_NOT_WATCHED;
}

enum ledger_open_status ledger_open_core(const struct core_file *core, struct ledger **ledger,
                                         struct error *error)
{
    struct search search = {.core = core, .status = LEDGER_OPEN_NOT_WATCHED};
    static const char intro[] = "the ledger in ";
    size_t candidates = 0, length = strnlen(core->path, sizeof(search.name) - sizeof(intro));
    memcpy(search.name, intro, sizeof(intro) - 1);
    memcpy(search.name + sizeof(intro) - 1, core->path, length);
    search.name[sizeof(intro) - 1 + length] = 0;
    *ledger = NULL;
    /* The list of mapped files may be missing: memory itself says what it is. */
    for (size_t i = 0; i < core->segment_count && candidates < MAX_CANDIDATES; i++) {
        if (!has_magic(core, core->segments[i].start))
            continue;
        candidates++;
        if (load(&search, core->segments[i].start, ledger, error))
            return LEDGER_OPEN_OK;
    }
    if (search.status == LEDGER_OPEN_FAILED) {
        *error = search.why;
        return search.status;
    }
    return look_elsewhere(core, ledger, error);
}
