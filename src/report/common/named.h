/* The threads that a report shows first: the one that aborted or crashed, then those that findings name. */
#ifndef THREADLEAK_REPORT_COMMON_NAMED_H
#define THREADLEAK_REPORT_COMMON_NAMED_H

#include "leak/model.h"

#define NOT_NAMED SIZE_MAX

struct named_threads {
    struct named_thread {
        uint64_t key; /* of the T-number or the tid */
        size_t place; /* in that order */
    } * items;        /* by key, place */
    size_t count;
};

/* Findings that are proved come first; notes name nobody. Out of memory: then nobody is named. */
void named_threads_make(struct named_threads *named, const struct process_report *process);
void named_threads_release(struct named_threads *named);
/* named NULL: nobody is. */
size_t named_place(const struct named_threads *named, const struct thread_info *thread);
/* The first place of these threads. */
size_t named_first_place(const struct named_threads *named, const struct thread_info *threads, size_t count);

#endif
