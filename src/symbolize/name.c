#include "symbolize/name.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<libiberty/demangle.h>)
#include <libiberty/demangle.h>
#else
#include <demangle.h> /* Fedora's binutils-devel has it there */
#endif

static int compare_strings(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *strings_keep(strings *kept, const char *string)
{
    if (!string)
        return NULL;
    char **found = tfind(string, kept, compare_strings);
    if (found)
        return *found;
    char *copy = strdup(string);
    if (copy && !tsearch(copy, kept, compare_strings)) {
        free(copy);
        return NULL;
    }
    return copy;
}

void strings_release(strings *kept)
{
    tdestroy(*kept, free);
    *kept = NULL;
}

const char *strings_keep_local(strings *kept, const char *name)
{
    const char *dot = strchr(name, '.');
    size_t digits = dot ? strspn(dot + 1, "0123456789") : 0;
    if (!digits || dot == name || dot[1 + digits])
        return strings_keep(kept, name);
    char *bare = strndup(name, (size_t)(dot - name));
    const char *result = strings_keep(kept, bare);
    free(bare);
    return result;
}

bool is_mangled(const char *name)
{
    return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0;
}

const char *strings_keep_demangled(strings *kept, const char *name)
{
    if (!name)
        return NULL;
    /* In .symtab a version may follow: "read@@GLIBC_2.2.5". */
    const char *version = *name ? strchr(name + 1, '@') : NULL;
    char *bare = version ? strndup(name, (size_t)(version - name)) : NULL, *plain = NULL;
    if (bare)
        name = bare;
    /* Legacy Rust names are C++ names with a hash at the end, so the Rust demangler comes first. */
    if (is_mangled(name))
        plain = rust_demangle(name, DMGL_PARAMS);
    if (!plain && strncmp(name, "_Z", 2) == 0)
        plain = cplus_demangle_v3(name, DMGL_PARAMS | DMGL_ANSI);
    const char *result = strings_keep(kept, plain ? plain : name);
    free(plain);
    free(bare);
    return result;
}
