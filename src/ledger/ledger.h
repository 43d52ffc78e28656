/*
 * Opens and validates a ledger as hostile input: every offset, count and index is checked against the size
 * before it is used, and strings are cut at the end of their section.  After ledger_open_* has succeeded, the
 * accessors below cannot read outside of the copy, whatever it contains.
 */
#ifndef THREADLEAK_LEDGER_LEDGER_H
#define THREADLEAK_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "common/ledger.h"
#include "common/options.h"

struct ledger; /* a copy of one ledger, which does not change */

enum ledger_open_status {
    LEDGER_OPEN_OK,
    LEDGER_OPEN_NOT_WATCHED, /* the process exists but has no ledger; error says so */
    LEDGER_OPEN_FAILED       /* error says why */
};

/* OK: the caller closes the ledger. Else *ledger is NULL. The path can name a file of a hostile process. */
enum ledger_open_status ledger_open_file(const char *path, struct ledger **ledger, struct error *error);
/* The same in the directory of a run, where a watched process can replace the file: a symbolic link fails. */
enum ledger_open_status ledger_open_in_run(const char *path, struct ledger **ledger, struct error *error);
/* Reads it through /proc/PID/map_files or /proc/PID/mem, and does not stop the process. */
enum ledger_open_status ledger_open_process(pid_t pid, struct ledger **ledger, struct error *error);
/*
 * The tids in the ledger of a live process become those here, if it is in another pid namespace. They become
 * 0 for threads that have ended. `pid` in the header stays. ledger_open_process does it.
 */
void ledger_use_tids_here(struct ledger *ledger, pid_t pid);
/* Are the tids in it those that this program finds for the process? */
bool ledger_has_tids_here(const struct ledger *ledger, pid_t pid);
struct core_file; /* core/core.h */
/*
 * Reads it from the memory in a core. For a process that died under `threadleak run`, reads the file of its
 * ledger if that still exists. NOT_WATCHED: the shim was not loaded or had recorded nothing yet. FAILED also
 * if it was loaded but its ledger is not in the core: error has its location. OK: error has the missing part,
 * or is "".
 */
enum ledger_open_status ledger_open_core(const struct core_file *core, struct ledger **ledger,
                                         struct error *error);
/* NULL: nothing. */
void ledger_close(struct ledger *ledger);

/* How much memory it takes. */
size_t ledger_bytes(const struct ledger *ledger);
const struct ledger_header *ledger_get_header(const struct ledger *ledger);

/* Copies the record. False: it is not in use, or was not consistent. */
bool ledger_get_slot(const struct ledger *ledger, uint32_t index, struct ledger_slot *slot);
/* The record of the last thread of a slot that is free now, with its serial. It has ended, and was joined or
 * detached. False: the slot is not free, or its record is not whole. */
bool ledger_get_past(const struct ledger *ledger, uint32_t index, struct ledger_slot *slot);
/* Indexes of slots and sites are below these counts. */
uint32_t ledger_slot_count(const struct ledger *ledger);
/* NULL: no such site.  Site 0 is "unknown". */
const struct ledger_site *ledger_get_site(const struct ledger *ledger, uint32_t index);
uint32_t ledger_site_count(const struct ledger *ledger);
/* Tracked threads that have ended: a sum over the sites. */
uint64_t ledger_count_ended(const struct ledger *ledger);
/* The frames of a site, leaf first, never NULL. In a damaged ledger *count may be smaller than the recorded
 * count. */
const ledger_pc *ledger_get_frames(const struct ledger *ledger, const struct ledger_site *site,
                                   uint32_t *count);
/* The places where threads of some sites were joined. Zero it, then add the sites. */
#define MAX_JOIN_PLACES 8u
struct join_places {
    struct join_place {
        ledger_pc pc;
        uint64_t count; /* joins there */
    } items[MAX_JOIN_PLACES];
    size_t count;
};
void join_places_add(struct join_places *places, const struct ledger_site *site);
/* The one with the most joins; NULL: none. */
const struct join_place *join_places_most(const struct join_places *places);
/* The next complete record of a current stack, from word *at on. Begin with 0; each call moves *at after the
 * record. NULL: no more. */
const struct ledger_stack *ledger_next_stack(const struct ledger *ledger, uint32_t *at);
/* The test with this number; its name is terminated and not "". NULL: none, or its record is used for another
 * test now. */
const struct ledger_test *ledger_get_test(const struct ledger *ledger, uint32_t number);
/* NULL: LEDGER_NO_MODULE or damaged. */
const struct ledger_module *ledger_get_module(const struct ledger *ledger, uint32_t index);
/* "" for 0 or damaged; always terminated. */
const char *ledger_get_string(const struct ledger *ledger, uint32_t offset);

/* The path of the ledger of a process under `threadleak run`, as the process sees it. own_pid: the pid in the
 * ledger's header. False: the ledger is not in a file, or the path does not fit. */
bool ledger_process_path(pid_t pid, pid_t own_pid, char *path, size_t size);

/* Is the writer alive: does the process with that pid map this file? True also if the process may not be
 * read. */
bool ledger_file_in_use(const char *path, pid_t pid);

/* ---- index of threads ---- */

/* The threads that a ledger records, each slot read once. */
struct thread_index {
    struct ledger_slot *slots; /* by tid, those without one first; of one tid those alive first */
    size_t count;
    const struct ledger_slot **by_handle; /* the same slots by pthread_t */
};

/* ledger NULL: no threads.  False: out of memory; the index is then empty. */
bool thread_index_read(struct thread_index *index, const struct ledger *ledger);
void thread_index_release(struct thread_index *index);
/* The first of the threads with this tid in `slots`; the others follow it. NULL: none. */
const struct ledger_slot *thread_index_find(const struct thread_index *index, pid_t tid);
/* The thread with this pthread_t; NULL: none. */
const struct ledger_slot *thread_index_find_handle(const struct thread_index *index, uint64_t handle);
/* Number of threads that were created but have not begun, so they have no tid yet. *oldest_ns: creation time
 * of the first; 0: none. */
size_t thread_index_not_begun(const struct thread_index *index, uint64_t *oldest_ns);

/* ---- the options that a watched process uses, from its ledger ---- */

/* One part of them, in the syntax of THREADLEAK_OPTIONS; "": none. */
const char *ledger_options_text(const struct ledger *ledger, enum ledger_options part);

/* The defaults, overridden by all parts. Invalid options are ignored: the process has warned about them. */
void ledger_options_read(const struct ledger *ledger, struct options *options);

#endif
