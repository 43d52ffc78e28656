/* ELF files, opened once, and the symbols in them. */
#ifndef THREADLEAK_SYMBOLIZE_FILE_H
#define THREADLEAK_SYMBOLIZE_FILE_H

#include <stdbool.h>
#include <elfutils/libdwfl.h>

#include "symbolize/symbolize.h"
#include "symbolize/alias.h"
#include "symbolize/dwarf.h"
#include "symbolize/ranges.h"

/* Opened when the first address in it is asked for. */
struct image {
    char *path;
    char build_id[2 * 32 + 1]; /* hex, as wanted; "" is unknown */
    bool unproven;             /* and it is not known that the file at the path is the one */
    Dwfl *dwfl;                /* NULL: no file can be believed */
    Dwfl_Module *module;
    GElf_Addr bias;            /* libdwfl's address of the file's address 0 */
    struct dwarf_index *dwarf; /* NULL: no debug information */
    struct ranges symbols;
    struct aliases aliases; /* exported functions; filled in when the first is asked for */
    struct ranges objects;  /* variables; filled in when the first is asked for */
    bool has_objects;
};

/* Never asks a server unless debuginfod.  NULL: out of memory. */
struct image *image_open(const struct code_address *address, bool debuginfod);
/* From a copy of its bytes, never from a file.  NULL: not ELF, or out of memory. */
struct image *image_of_memory(const char *module, const void *bytes, size_t size);
void image_free(struct image *image);

/* By path and build-id: <0, 0, >0. */
int image_compare(const struct image *image, const struct code_address *address);

/* The function symbol around an address of libdwfl's, as it stands in the file, and where it begins; NULL:
 * none. */
const char *image_symbol(struct image *image, GElf_Addr address, GElf_Addr *start);

#endif
