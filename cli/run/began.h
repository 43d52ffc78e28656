/* The programs that reported in to a run, with or without a ledger: LEDGER_BEGAN_PREFIX in run_protocol.h. */
#ifndef THREADLEAK_CLI_RUN_BEGAN_H
#define THREADLEAK_CLI_RUN_BEGAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct began {
    pid_t pid, parent; /* in the process's own pid namespace */
    uint64_t ns;       /* when it began: ledger_header.started_ns of its ledger, if it has one */
};

struct began_list {
    struct began *items; /* by pid, then in time, once it is sorted */
    size_t count;
};

/* Adds it if `name` is the name of such a file. Their number is limited: more are left out. False: out of
 * memory. */
bool began_add(struct began_list *list, const char *name);
void began_sort(struct began_list *list);
void began_free(struct began_list *list);

/* Did a program of the process begin in this time? until_ns is excluded. */
bool began_between(const struct began_list *list, pid_t pid, uint64_t from_ns, uint64_t until_ns);

/* The latest program that this parent started as this process; NULL: none. */
const struct began *began_latest(const struct began_list *list, pid_t pid, pid_t parent);

/* Is there a file in the directory for a program of the process that is newer than those in the list? */
bool began_has_newer(const struct began_list *list, pid_t pid, const char *directory);

#endif
