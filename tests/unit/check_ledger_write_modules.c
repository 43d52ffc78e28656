/* Records of libraries that are unloaded while another thread loads or unloads some. */
#include <dlfcn.h>
#include <link.h>

#include "common/compat.h"
#include "preload/ledger/module.h"
#include "suite.h"
#include "writer_made.h"

/* ---- another thread -------------------------------------------------------------------- */

static void (*meanwhile)(void); /* what another thread does when the shim has asked the loader next */

int find_object(void *address, struct found_object *found) __asm__("_dl_find_object");
int find_object(void *address, struct found_object *found)
{
    static int (*real)(void *, struct found_object *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "_dl_find_object");
    int result = real ? real(address, found) : -1;
    void (*now)(void) = meanwhile;
    meanwhile = NULL;
    if (now)
        now();
    return result;
}

/* ---- libraries ------------------------------------------------------------------------- */

static const char first_name[] = "libresolv.so.2", second_name[] = "libBrokenLocale.so.1";
static void *first, *second;

static struct ledger_module *record_of(void *library)
{
    const struct link_map *map = library;
    uint32_t index = ledger_pc_module(module_encode(&state, (uint64_t)map->l_ld));
    ck_assert_uint_ne(index, LEDGER_NO_MODULE);
    return &state.modules[index];
}

static struct ledger_module *load(void **library, const char *name)
{
    *library = dlopen(name, RTLD_NOW);
    ck_assert_ptr_nonnull(*library);
    return record_of(*library);
}

static bool can_unload(const char *name)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_NOLOAD) ? NULL : dlopen(name, RTLD_NOW);
    return library && dlclose(library) == 0 && !dlopen(name, RTLD_NOW | RTLD_NOLOAD);
}

/* With an older glibc the shim reads /proc/self/maps instead. */
static bool is_possible(void)
{
    struct found_object found;
    bool possible =
        find_object((void *)is_possible, &found) == 0 && can_unload(first_name) && can_unload(second_name);
    if (!possible)
        skip("no _dl_find_object(), or %s and %s are not there", first_name, second_name);
    return possible;
}

static struct module_unload begin(void *library)
{
    struct module_unload unload = module_unload_begin(library);
    unload.serial = 5;
    return unload;
}

static void load_first_again(void)
{
    load(&first, first_name);
}

/* An address that the library had is taken. */
static void load_first_elsewhere(void)
{
    ck_assert_ptr_nonnull(dlopen(second_name, RTLD_NOW));
    load(&first, first_name);
}

static void unload_first_while(void (*other)(void))
{
    struct ledger_module *module = load(&first, first_name);
    struct module_unload unload = begin(first);
    dlclose(first);
    meanwhile = other;
    module_mark_unloaded(&state, &unload, 77);
    ck_assert_ptr_null(meanwhile);
    module_unload_done();
    ck_assert_ptr_eq(record_of(first), module);
    ck_assert_uint_eq(module->unloaded, 0);
    ck_assert_uint_eq(module->unloaded_serial, 0);
}

START_TEST(a_library_that_is_loaded_again_meanwhile_is_loaded)
{
    if (!is_possible())
        return;
    unload_first_while(load_first_again);
    dlclose(first);
    unload_first_while(load_first_elsewhere);
}
END_TEST

START_TEST(each_of_two_unloads_names_its_caller)
{
    if (!is_possible())
        return;
    const struct ledger_module *modules[] = {load(&first, first_name), load(&second, second_name)};
    struct module_unload one = begin(first), two = begin(second);
    dlclose(first);
    dlclose(second);
    module_mark_unloaded(&state, &two, 22);
    ck_assert_uint_eq(modules[1]->unloaded_at, 22);
    ck_assert_uint_eq(modules[0]->unloaded, 1);
    ck_assert_uint_eq(modules[0]->unloaded_at, 0);
    module_unload_done();
    module_mark_unloaded(&state, &one, 11);
    ck_assert_uint_eq(modules[0]->unloaded_at, 11);
    ck_assert_uint_eq(modules[1]->unloaded_at, 22);
    module_unload_done();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("modules");
    tcase_add_checked_fixture(tcase, writer_begin, writer_finish);
    tcase_add_test(tcase, a_library_that_is_loaded_again_meanwhile_is_loaded);
    tcase_add_test(tcase, each_of_two_unloads_names_its_caller);
    return suite_run("ledger_write_modules", tcase);
}
