/* The entries of a baseline, by fingerprint. The baseline owns its strings. Private to baseline*.c. */
#ifndef THREADLEAK_LEAK_BASELINE_ENTRIES_H
#define THREADLEAK_LEAK_BASELINE_ENTRIES_H

#include <jansson.h>

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

/* A finding. */
struct baseline_finding {
    char fingerprint[FINGERPRINT_LENGTH + 1];
    char *reason; /* NULL: none */
    bool seen;
    const struct finding *finding; /* the first one, when it is written */
};

struct baseline {
    struct baseline_entry *entries;
    size_t count;
    struct baseline_finding *findings;
    size_t finding_count;
};

/* Reads the array "findings". False: error is set. */
bool baseline_read_findings(struct baseline *baseline, const json_t *array, const char *path,
                            struct error *error);
/* Collects the findings of a report. False: out of memory. */
bool baseline_collect_findings(struct baseline *all, const struct report *report);
/* The array "findings"; NULL: out of memory. */
json_t *baseline_findings_json(const struct baseline *all, const struct baseline *reasons);
/* The entry's fingerprint; NULL: it is none. */
const char *baseline_fingerprint(const json_t *entry);
/* Marks the entries that occur, and suppresses these findings. */
void baseline_apply_to_findings(struct baseline *baseline, struct findings *findings);
/* Suppresses all findings. */
void baseline_accept_findings(struct findings *findings);

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
