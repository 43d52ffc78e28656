/*
 * Opens and validates a ledger as hostile input: every offset, count and index
 * is checked against the size before it is used, and strings are cut at the end
 * of their section.  After ledger_open_* has succeeded, the accessors below
 * cannot read outside of the snapshot, whatever it holds.
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

struct ledger; /* an immutable copy of what one ledger held at one moment */

enum ledger_open_status {
    LEDGER_OPEN_OK,
    LEDGER_OPEN_NOT_WATCHED, /* the process is there but has no ledger */
    LEDGER_OPEN_FAILED       /* error says why */
};

enum ledger_open_status ledger_open_file(const char *path, struct ledger **ledger, struct error *error);
/* Through /proc/PID/map_files or /proc/PID/mem; needs no stop of the process. */
enum ledger_open_status ledger_open_process(pid_t pid, struct ledger **ledger, struct error *error);
struct core_file; /* core_file.h */
/*
 * From the memory that a core holds; for a process that died under `threadleak run`, whose
 * ledger was a file, from that file when it is still there.  NOT_WATCHED: the shim was not there, or had not
 * begun to record.  FAILED also when it was, but its ledger is not in the core; error
 * then says where it was.  OK: error says what is missing of it, or is "".
 */
enum ledger_open_status ledger_open_core(const struct core_file *core, struct ledger **ledger,
                                         struct error *error);
void ledger_close(struct ledger *ledger);

const struct ledger_header *ledger_get_header(const struct ledger *ledger);

/* Copies the record when it is in use and was consistent; false otherwise. */
bool ledger_get_slot(const struct ledger *ledger, uint32_t index, struct ledger_slot *slot);
uint32_t ledger_slot_count(const struct ledger *ledger);
/* NULL: no such site.  Site 0 is "unknown". */
const struct ledger_site *ledger_get_site(const struct ledger *ledger, uint32_t index);
uint32_t ledger_site_count(const struct ledger *ledger);
/* The frames of a site, leaf first, never NULL; *count may be smaller than
 * recorded when the ledger is damaged. */
const ledger_pc *ledger_get_frames(const struct ledger *ledger, const struct ledger_site *site,
                                   uint32_t *count);
/* The next whole record of a current stack from word *at on (0 at first), which
 * it moves behind it; NULL after the last. */
const struct ledger_stack *ledger_next_stack(const struct ledger *ledger, uint32_t *at);
/* NULL: LEDGER_NO_MODULE or damaged. */
const struct ledger_module *ledger_get_module(const struct ledger *ledger, uint32_t index);
/* "" for 0 or damaged; always terminated. */
const char *ledger_get_string(const struct ledger *ledger, uint32_t offset);

/* Where the ledger of a process under `threadleak run` lies, as the process sees it.
 * own_pid: of the ledger's header.  False: in no file. */
bool ledger_process_path(pid_t pid, pid_t own_pid, char *path, size_t size);

/* Is this file mapped by a live process of that pid, that is, is its writer
 * still there?  A process that may not be looked at counts as one. */
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
/* NULL: no thread has it.  Of several with this tid the first in `slots`; the others follow it. */
const struct ledger_slot *thread_index_find(const struct thread_index *index, pid_t tid);
const struct ledger_slot *thread_index_find_handle(const struct thread_index *index, uint64_t handle);
/* How many have been created and not begun, so that they have no tid yet; *oldest_ns: when the first of them
 * was created; 0: there is none. */
size_t thread_index_not_begun(const struct thread_index *index, uint64_t *oldest_ns);

/* ---- the options that a watched process goes by, as its ledger tells them ---- */

/* In the syntax of THREADLEAK_OPTIONS; "": none. */
const char *ledger_options_text(const struct ledger *ledger, enum ledger_options part);

/* All of them, over the defaults.  What is not understood is skipped: the process said so. */
void ledger_options_read(const struct ledger *ledger, struct options *options);

#endif
