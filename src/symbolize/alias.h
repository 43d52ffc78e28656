/* Exported names of functions. One function can have many. Private to the symbolizer. */
#ifndef THREADLEAK_SYMBOLIZE_ALIAS_H
#define THREADLEAK_SYMBOLIZE_ALIAS_H

#include <stdbool.h>
#include <stddef.h>
#include <elfutils/libdwfl.h>

/* A name that other files can use: .dynsym, or GLOBAL or WEAK in .symtab. */
struct alias {
    GElf_Addr address; /* relative to libdwfl's bias */
    const char *name;  /* owned by the file; a version may follow: "read@@GLIBC_2.2.5" */
    size_t length;     /* without the version */
    bool reserved;     /* begins with an underscore */
    bool weak;
    bool old; /* not the default version: for programs that were linked long ago */
};

/* Initialise it with zeros. */
struct aliases {
    struct alias *items; /* sorted by address; the preferred name of an address comes first */
    size_t count;
    bool read;
};

/*
 * The public name of a function with an internal name such as "__GI___poll" or "___pthread_cond_wait". It is
 * an exported name of the same address that begins with no underscore: the default version first, then the
 * shortest, then in alphabetical order. Without such a name it is "x" for "__GI_x". is_symbol: the name is
 * from a symbol table; then a name is also chosen from several public ones, in the same order, WEAK ones
 * last. NULL: use the name itself. The result may end with a version. bias: libdwfl's address of the module's
 * address 0.
 */
const char *aliases_find(struct aliases *aliases, Dwfl_Module *module, GElf_Addr bias, GElf_Addr address,
                         const char *name, bool is_symbol);
void aliases_release(struct aliases *aliases);

#endif
