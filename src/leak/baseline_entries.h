/* The entries of a baseline.  Private to baseline.c and baseline_write.c. */
#ifndef THREADLEAK_LEAK_BASELINE_ENTRIES_H
#define THREADLEAK_LEAK_BASELINE_ENTRIES_H

#include "leak/baseline.h"

#define FINGERPRINT_LENGTH (sizeof(((struct leak_group *)0)->fingerprint) - 1)

struct baseline_entry {
    char fingerprint[FINGERPRINT_LENGTH + 1];
    uint64_t threads, sites; /* sites 0: not known */
    char *reason;            /* NULL: none */
    bool seen;
    bool old;                       /* matched by a fingerprint of version 0.1 */
    const struct leak_group *group; /* the first one, when it is written */
};

struct baseline {
    struct baseline_entry *entries;
    size_t count;
};

/* NULL: none. */
struct baseline_entry *baseline_find(const struct baseline *baseline, const char *fingerprint);

/* Does the group count, or would it count without a baseline? */
bool baseline_has_group(const struct leak_group *group);

/* The numbers of such groups of a process with this fingerprint.  old: it is an old_fingerprint; then `sites`
 * is not meaningful. */
struct baseline_numbers {
    uint64_t threads, sites;
};
struct baseline_numbers baseline_count(const struct process_report *process, const char *fingerprint,
                                       bool old);

#endif
