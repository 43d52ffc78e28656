/* ELF files and their symbols. Each file is opened once, when its first address is symbolized. */
#ifndef THREADLEAK_SYMBOLIZE_FILE_H
#define THREADLEAK_SYMBOLIZE_FILE_H

#include <stdbool.h>
#include <elfutils/libdwfl.h>
#include <sys/types.h>

#include "symbolize/symbolize.h"
#include "symbolize/alias.h"
#include "symbolize/dwarf.h"
#include "symbolize/ranges.h"

/* Opened when the first address in it is asked for. */
struct image {
    char *path;
    char build_id[2 * 32 + 1]; /* hex, as wanted; "" is unknown */
    pid_t process;             /* whose files were opened */
    bool symbols_only;         /* debug information is not read */
    uint64_t unchanged_since;  /* a file that changed later is not accepted without a build-id; 0: no limit */
    uint64_t changed_ns;       /* when the file at the path did; 0: there is none, or it has the build-id */
    bool unproven;             /* and nothing proves that the file at the path is the same build */
    Dwfl *dwfl;                /* NULL: no file is proven to be this build */
    Dwfl_Module *module;
    GElf_Addr bias;            /* libdwfl's address for address 0 of the file */
    struct dwarf_index *dwarf; /* NULL: no debug information */
    struct ranges symbols;
    struct aliases aliases; /* exported functions; filled in at the first use */
    struct ranges objects;  /* variables; filled in at the first use */
    bool has_objects;
};

/* Asks servers only with `debuginfod`. process: opens files as it sees them; 0: at their paths; below 0: at
 * their paths, if a build-id proves that they are the same. NULL: out of memory. */
struct image *image_open(const struct code_address *address, bool debuginfod, bool symbols_only,
                         pid_t process, uint64_t unchanged_since);
/* Opens a copy of the bytes, not a file. NULL: not ELF, or out of memory. */
struct image *image_of_memory(const char *module, const void *bytes, size_t size);
void image_free(struct image *image);

/* Is it the file at the address, as this process sees it? */
bool image_is_of(const struct image *image, const struct code_address *address, pid_t process,
                 uint64_t unchanged_since);

/* The function symbol (not demangled) that contains an address of libdwfl, and its first address; NULL:
 * none. */
const char *image_symbol(struct image *image, GElf_Addr address, GElf_Addr *start);

#endif
