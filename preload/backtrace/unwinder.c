#include "preload/backtrace/unwinder.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>

#include "preload/backtrace/imports.h"
#include "preload/backtrace/walk.h"
#include "preload/ledger/module.h"
#include "preload/ledger/module_find.h"
#include "preload/shim/config.h"
#include "preload/shim/guard.h"
#include "preload/shim/readable.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

#if HAS_LIBUNWIND
#define STRING_OF(name) #name
#define SYMBOL(name) STRING_OF(name)

#ifdef __x86_64__
#define ACCESSORS "_Ux86_64_get_accessors" /* for local and remote unwinding */
#else
#define ACCESSORS "_Uaarch64_get_accessors"
#endif

struct unwinder unwinder;

/* ---- what libunwind calls ----------------------------------------------------------- */

/* If call-frame information is missing or wrong, an address can be anything. */
static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *arg)
{
    struct capture_walk *walk = shim_tls.walk;
    if (!walk || write)
        return unwinder.access_mem(space, address, value, write, arg);
    if (!memory_is_readable_near((void *)address, &walk->readable) ||
        !memory_is_readable_near((char *)address + sizeof(*value) - 1, &walk->readable))
        return -UNW_EINVAL;
    memcpy(value, (const void *)address, sizeof(*value));
    return 0;
}

/*
 * libunwind calls it instead of dl_iterate_phdr, to find the module of an address.  The first member of its
 * data is that address (struct dwarf_callback_data, libunwind 1.0 to 1.8).  Without .eh_frame_hdr libunwind
 * would open the module's file.
 */
static int iterate_modules(imports_callback *callback, void *data)
{
    uint64_t pc = *(const uint64_t *)data;
    struct module_found found;
    struct module_phdrs phdrs;
    if (!shim_tls.unwinding)
        return dl_iterate_phdr(callback, data);
    if (!module_find(pc, &found) || !found.eh_frame)
        return 0;
    module_describe(&found, &phdrs);
    return callback(&phdrs.info, sizeof(phdrs.info), data);
}

/* ---- loading ------------------------------------------------------------------------ */

static const struct {
    void *to; /* a pointer to a function or variable */
    const char *name;
    bool optional;
} symbols[] = {
    {&unwinder.backtrace, "unw_backtrace", false},
    {&unwinder.init_local, SYMBOL(unw_init_local), false},
    {&unwinder.step, SYMBOL(unw_step), false},
    {&unwinder.get_reg, SYMBOL(unw_get_reg), false},
#ifdef __x86_64__
    {&unwinder.getcontext, SYMBOL(unw_tdep_getcontext), false},
#endif
    {&unwinder.init_local2, SYMBOL(unw_init_local2), true},
    {&unwinder.set_caching_policy, SYMBOL(unw_set_caching_policy), true},
    {&unwinder.flush_cache, SYMBOL(unw_flush_cache), true},
    {&unwinder.accessors, ACCESSORS, true},
    {&unwinder.local, SYMBOL(unw_local_addr_space), true},
};

static bool find_symbols(void *lib)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
        void *found = dlsym(lib, symbols[i].name);
        if (!found && !symbols[i].optional)
            return false;
        *(void **)symbols[i].to = found;
    }
    return true;
}

static void replace_access_mem(void)
{
    if (!unwinder.accessors || !unwinder.local || !unwinder.init_local2)
        return;
    unw_accessors_t *table = unwinder.accessors(*unwinder.local);
    unwinder.access_mem = table->access_mem;
    table->access_mem = access_mem;
}

/* Never by the caching policy: libunwind reads it again before it unlocks, so a walk that has begun with
 * another one would keep the lock for ever. */
void unwinder_flush(void)
{
    if (unwinder.flush_cache && unwinder.local)
        unwinder.flush_cache(*unwinder.local, 0, 0);
}

#define LIBUNWIND_FLAGS (RTLD_NOW | RTLD_LOCAL)

#define LIBUNWIND "libunwind.so.8"
static bool find_beside(const char *name, char *path, size_t size)
{
    struct text text = text_in(path, size);
    return config_beside(&text, name) && SYS3(faccessat, AT_FDCWD, path, R_OK) == 0;
}

/* A release has it, and the library that it needs, beside this library. The program's own come first: a
 * second libunwind would call functions of the first one, and a liblzma that the program loads later must be
 * the newer one of its system. */
static void *open_libunwind(void)
{
    char path[1024], needed[1024];
    if (!find_beside(LIBUNWIND, path, sizeof(path)))
        return dlopen(LIBUNWIND, LIBUNWIND_FLAGS); /* the program's own, if it has one */
    void *lib = dlopen(LIBUNWIND, LIBUNWIND_FLAGS | RTLD_NOLOAD);
    if (!lib)
        lib = dlopen(path, LIBUNWIND_FLAGS);
    if (!lib && find_beside("liblzma.so.5", needed, sizeof(needed)) && dlopen(needed, LIBUNWIND_FLAGS))
        lib = dlopen(path, LIBUNWIND_FLAGS);
    return lib ? lib : dlopen(LIBUNWIND, LIBUNWIND_FLAGS);
}

bool unwinder_load(void)
{
    void *lib = open_libunwind();
    if (!lib || !imports_replace(lib, iterate_modules) || !find_symbols(lib))
        return false;
    module_find_start();
    /* The cache has a lock: walk.h. */
    if (!walk_has_locks() && unwinder.set_caching_policy && unwinder.local)
        unwinder.set_caching_policy(*unwinder.local, UNW_CACHE_NONE);
    /* libunwind initialises itself at its first use. This makes it happen here, not at a creation. */
    unw_cursor_t cursor;
    unw_context_t context;
    guard_unwind_begin();
    if (GETCONTEXT(&context) == 0)
        unwinder.init_local(&cursor, &context);
    guard_unwind_end();
    replace_access_mem();
    return true;
}

bool unwinder_reads_safely(void)
{
    return unwinder.access_mem != NULL;
}

#else
bool unwinder_load(void)
{
    module_find_start();
    return true;
}

bool unwinder_reads_safely(void)
{
    return false;
}

void unwinder_flush(void)
{
}
#endif
