#include "preload/backtrace/loader_error.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/shim/next.h"

struct search {
    uintptr_t variable; /* the address of its library plus its offset */
    char *found;
};

static int search_in(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *search = arg;
    uintptr_t offset = search->variable - info->dlpi_addr;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum && info->dlpi_tls_data; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS && offset < info->dlpi_phdr[i].p_memsz)
            search->found = (char *)info->dlpi_tls_data + offset;
    return search->found != NULL;
}

struct loader_error loader_error_keep(void)
{
    struct search search = {(uintptr_t)next_in_libc("__libc_dlerror_result"), NULL};
    if (search.variable)
        dl_iterate_phdr(search_in, &search);
    struct loader_error error = {(void **)(void *)search.found, NULL};
    if (!error.place)
        return error;
    error.kept = *error.place;
    *error.place = NULL;
    return error;
}

/* dlerror() frees an error when it has returned it before. */
void loader_error_restore(const struct loader_error *error)
{
    dlerror();
    dlerror();
    if (error->kept)
        *error->place = error->kept;
}
