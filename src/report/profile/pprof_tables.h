/*
 * The tables of a pprof profile: strings, functions, mappings (of modules) and locations (of addresses). Each
 * thing is in its table once. All of the profile is malloc'ed, so pprof__profile__free_unpacked frees it.
 */
#ifndef THREADLEAK_REPORT_PROFILE_PPROF_TABLES_H
#define THREADLEAK_REPORT_PROFILE_PPROF_TABLES_H

#include <profile.pb-c.h> /* made from profile.proto */
#include <stdbool.h>
#include <stdint.h>

#include "symbolize/symbolize.h"

struct pprof_tables {
    Pprof__Profile *profile;
    void *strings, *functions, *mappings, *locations; /* what is there already: trees of tsearch(3) */
    bool failed;                                      /* out of memory; set by every function */
};

/* False: out of memory. Release it in both cases. */
bool pprof_tables_open(struct pprof_tables *tables);
void pprof_tables_release(struct pprof_tables *tables);

/* The index of a string, with \xNN for control characters and bytes that are not UTF-8; 0 for NULL and "". */
int64_t pprof_string(struct pprof_tables *tables, const char *text);

/*
 * The id of the location of frames[0], and of the frames it was inlined into. *used: number of these frames.
 * Addresses are those in the file, so that profiles of several processes can be added.
 */
uint64_t pprof_location(struct pprof_tables *tables, const struct frame *frames, size_t count, size_t *used);
/* The first module of a profile names it. Call this before any location, until a frame has that module. */
void pprof_main_module(struct pprof_tables *tables, const struct frame *frames, size_t count,
                       const char *exe);
/* The id of a location that is no address, but says something: "[creation not seen]". */
uint64_t pprof_note(struct pprof_tables *tables, const char *text);

/* Appends to an array of messages, and takes the message over, which may be NULL. */
#define PPROF_APPEND(tables, array, number, message)             \
    ({                                                           \
        bool appended_ = (message) && ARRAY_GROW(array, number); \
        if (appended_)                                           \
            (array)[(number)++] = (message);                     \
        (tables)->failed |= !appended_;                          \
        appended_;                                               \
    })

#endif
