/*
 * What marking has reached, and what of it must still be scanned. It is in four files: objects
 * (mark_objects.c, dtv.c), threads (mark_threads.c), and roots with the fixpoint (mark.c).
 */
#ifndef THREADLEAK_REACH_MARK_H
#define THREADLEAK_REACH_MARK_H

#include "reach/kept.h"
#include "reach/scan.h"
#include "reach/spans.h"

struct marker {
    struct reach_image *image;
    struct reach_spans spans;
    struct reach_filter filter;
    struct reach_span *last_span;         /* where the last address was; NULL: none yet */
    const struct reach_piece *last_piece; /* that was scanned; NULL: none yet */
    struct reach_range *work;             /* to be scanned */
    size_t work_count, work_capacity;
    struct reach_range *excluded; /* never scanned */
    size_t excluded_count;
    struct reach_holder holder; /* of what is being scanned */
    bool failed;                /* out of memory */
};

/* ---- objects ---- */

/* To be scanned: a range without the excluded parts. */
void marker_push(struct marker *marker, uint64_t start, uint64_t end);
/* Thread-local storage, without the variables of our shim. */
void marker_push_tls(struct marker *marker, const struct reach_thread *thread);
/* Marks the object that contains an address. marker: a struct marker; it is a reach_found_fn. */
void marker_mark(void *marker, uint64_t address);
/* Scans until nothing is left. */
void marker_drain(struct marker *marker);
/* Where the stack of a thread begins that counts. */
uint64_t reach_stack_in_use(const struct reach_image *image, const struct reach_thread *thread);

/* ---- tables of thread-local storage (dtv.c) ---- */

/* Adds that of the main thread to `excluded`, unless it is in a heap. False: out of memory. */
bool marker_exclude_table_of_main(struct marker *marker);
/* Marks what the thread's table (dtv) points to: its blocks of thread-local storage. */
void marker_push_table(struct marker *marker, const struct reach_thread *thread);

/* ---- threads ---- */

/* What a thread refers to. */
void marker_push_thread(struct marker *marker, const struct reach_thread *thread);
/* A descriptor of glibc, without its links to other threads. */
void marker_push_descriptor(struct marker *marker, struct reach_range descriptor);
/* Sets `live` of all threads that can run, and marks what they refer to, until there are no more. */
void marker_run_threads(struct marker *marker);
void marker_add_caveats(struct marker *marker);

#endif
