#include "reach/modules.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"
#include "base/search.h"
#include "base/text.h"
#include "reach/caveat.h"
#include "nptl/nptl.h"

enum { PAGE = 4096 };
/* Ours, and libunwind, which the shim loads: it keeps addresses of frames, and no reference of the program.
 */
static bool is_of_shim(const char *name)
{
    return strcmp(name, "libthreadleak.so") == 0 || text_begins_with(name, "libunwind.so.");
}

/* ---- one module ---- */

static bool is_runtime(const char *name)
{
    static const char *const names[] = {
        "libjvm",   "libcoreclr",        "libv8",     "libnode", "libmono",          "libluajit",
        "libmozjs", "libjavascriptcore", "libclrjit", "libbeam", "liblttng-ust-java"};
    static const char *const programs[] = {"node",     "java",   "dotnet",   "chrome", "chromium",
                                           "electron", "luajit", "beam.smp", "bun",    "deno"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strncasecmp(name, names[i], strlen(names[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
        if (strcmp(name, programs[i]) == 0)
            return true;
    return false;
}

struct reading {
    struct reach_modules *modules;
    struct reach_image *image;
    const struct snapshot *snapshot;
    uint64_t rtld_global;
    struct snapshot_dynamic libc;
    bool is_core;
};

/* Through these functions a program can leave a reference with the kernel. */
static void set_unseen(struct reach_image *image, const struct snapshot_dynamic *dynamic)
{
    static const struct {
        const char *function;
        uint32_t caveat;
    } rows[] = {
        {"epoll_ctl", REACH_BIT(UNSEEN_EPOLL)},    {"timer_create", REACH_BIT(UNSEEN_TIMERS)},
        {"sigqueue", REACH_BIT(UNSEEN_SIGNALS)},   {"pthread_sigqueue", REACH_BIT(UNSEEN_SIGNALS)},
        {"pipe", REACH_BIT(UNSEEN_BYTES)},         {"pipe2", REACH_BIT(UNSEEN_BYTES)},
        {"socketpair", REACH_BIT(UNSEEN_BYTES)},   {"mkfifo", REACH_BIT(UNSEEN_BYTES)},
        {"memfd_create", REACH_BIT(UNSEEN_BYTES)}, {"msgsnd", REACH_BIT(UNSEEN_MESSAGES)},
        {"mq_send", REACH_BIT(UNSEEN_MESSAGES)},   {"mq_timedsend", REACH_BIT(UNSEEN_MESSAGES)},
        {"mq_notify", REACH_BIT(UNSEEN_MESSAGES)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (!(image->caveats & rows[i].caveat) && snapshot_dynamic_imports(dynamic, rows[i].function))
            image->caveats |= rows[i].caveat;
}

static void set_facts(struct reading *reading, const struct reach_module *module, const char *name,
                      const struct snapshot_elf *elf)
{
    struct snapshot_dynamic dynamic;
    struct reach_image *image = reading->image;
    if (is_runtime(name))
        image->caveats |= REACH_BIT(RUNTIME);
    if (module->is_shim || !snapshot_dynamic_read(&dynamic, reading->snapshot, elf))
        return;
    if (strcmp(name, "libc.so.6") == 0) {
        nptl_read_libc(&image->glibc.nptl, &dynamic);
        reading->libc = dynamic;
        image->glibc.libc_start = module->start;
        image->glibc.libc_end = module->end;
        return;
    }
    uint64_t rtld_global = snapshot_dynamic_find(&dynamic, "_rtld_global");
    uint64_t stack_end = snapshot_dynamic_find(&dynamic, "__libc_stack_end");
    if (rtld_global)
        reading->rtld_global = rtld_global;
    if (rtld_global && stack_end)
        snapshot_read_live(reading->snapshot, stack_end, &image->glibc.stack_end, sizeof(stack_end));
    if (!rtld_global && snapshot_dynamic_find(&dynamic, "malloc"))
        image->other_allocator = true;
    if (rtld_global)
        return;
    image->uses_cancel = image->uses_cancel || snapshot_dynamic_imports(&dynamic, "pthread_cancel");
    image->uses_kill = image->uses_kill || snapshot_dynamic_imports(&dynamic, "pthread_kill");
    image->uses_values = image->uses_values || snapshot_dynamic_imports(&dynamic, "sigqueue") ||
                         snapshot_dynamic_imports(&dynamic, "pthread_sigqueue");
    image->uses_messages = image->uses_messages || snapshot_dynamic_imports(&dynamic, "msgsnd");
    if (reading->is_core)
        set_unseen(image, &dynamic);
}

static void measure(struct reach_module *module, struct reach_glibc *glibc, const struct snapshot_elf *elf)
{
    for (size_t i = 0; i < elf->count; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        uint64_t end = elf->bias + segment->p_vaddr + segment->p_memsz;
        if (segment->p_type == PT_LOAD && end > module->end)
            module->end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        if (segment->p_type == PT_TLS)
            glibc->tls_size += (segment->p_memsz + segment->p_align + 63) & ~UINT64_C(63);
    }
}

static bool read_module(struct reading *reading, const struct region *region)
{
    struct snapshot_elf elf;
    const char *name = path_basename(region->path);
    struct reach_modules *modules = reading->modules;
    if (!snapshot_read_elf(reading->snapshot, region, &elf))
        return true;
    if (!ARRAY_GROW(modules->items, modules->count))
        return false;
    struct reach_module *module = &modules->items[modules->count++];
    *module = (struct reach_module){region->start, region->end, is_of_shim(name)};
    measure(module, &reading->image->glibc, &elf);
    set_facts(reading, module, name, &elf);
    return true;
}

bool reach_modules_read(struct reach_modules *modules, struct reach_collector *collector,
                        const struct snapshot *snapshot)
{
    struct reach_glibc *glibc = &collector->image.glibc;
    struct reading reading = {
        .modules = modules, .image = &collector->image, .snapshot = snapshot, .is_core = collector->is_core};
    *modules = (struct reach_modules){NULL, 0};
    for (size_t i = 0; i < snapshot->space.count; i++) {
        const struct region *region = &snapshot->space.regions[i];
        if (region->path[0] == '/' && region->offset == 0 && region->readable && !region->shared &&
            !read_module(&reading, region))
            return false;
    }
    if (nptl_place_lists(&glibc->nptl, reading.rtld_global))
        nptl_find_errno(&glibc->nptl, &reading.libc, reading.rtld_global, &glibc->errno_at);
    return true;
}

void reach_modules_release(struct reach_modules *modules)
{
    free(modules->items);
    *modules = (struct reach_modules){NULL, 0};
}

const struct reach_module *reach_modules_at(const struct reach_modules *modules, uint64_t address)
{
    size_t at = SEARCH_FIRST(i, modules->count, modules->items[i].end > address);
    return at < modules->count && modules->items[at].start <= address ? &modules->items[at] : NULL;
}
