/*
 * Processes of the tree in other pid namespaces.  Such a process names its ledger by its pid there, which can
 * be the pid of another process here.
 */
#ifndef THREADLEAK_CLI_RUN_LEDGER_OWNERS_H
#define THREADLEAK_CLI_RUN_LEDGER_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct run_owners {
    bool scanned;
    struct run_owner {
        pid_t pid, own_pid; /* here, and in its namespace */
    } * items;
    size_t count;
};

/* The pid here of the live process that uses this ledger, and has this pid in another namespace; 0: none.
 * Scans the tree at the first call. Zero `owners` before that. */
pid_t run_owner_of(struct run_owners *owners, pid_t root, const char *directory, const char *ledger_path,
                   pid_t own_pid);
void run_owners_release(struct run_owners *owners);

#endif
