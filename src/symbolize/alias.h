/* Functions' exported names, of which some have many: part of the symbolizer. */
#ifndef THREADLEAK_SYMBOLIZE_ALIAS_H
#define THREADLEAK_SYMBOLIZE_ALIAS_H

#include <stdbool.h>
#include <stddef.h>
#include <elfutils/libdwfl.h>

/* A name that other files can use: .dynsym, or GLOBAL or WEAK in .symtab. */
struct alias {
    GElf_Addr address; /* as libdwfl counts it */
    const char *name;  /* the file's; a version may follow: "read@@GLIBC_2.2.5" */
    size_t length;     /* without the version */
    bool reserved;     /* begins with an underscore */
    bool weak;
    bool old; /* kept for programs linked long ago: not the default version */
};

/* Begins zeroed. */
struct aliases {
    struct alias *items; /* of one address, the one to say comes first */
    size_t count;
    bool read;
};

/*
 * The name that people know a function by, for one of a library's own such as
 * "__GI___poll", "___pthread_cond_wait": an exported name of the same address
 * without an underscore before it, the default version first, then the shortest,
 * then by the alphabet; else "x" for "__GI_x".  is_symbol: the name is from a
 * symbol table; of many that people know, one is chosen by the same order then,
 * WEAK ones last.  NULL: the name is the one to say.  What is returned may have a
 * version behind it.  bias: libdwfl's address of the module's address 0.
 */
const char *aliases_find(struct aliases *aliases, Dwfl_Module *module, GElf_Addr bias, GElf_Addr address,
                         const char *name, bool is_symbol);
void aliases_release(struct aliases *aliases);

#endif
