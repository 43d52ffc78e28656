/*
 * The processes of a run: COMMAND, its descendants, and daemons outside of its tree that have the directory
 * of this run in their environment.
 */
#ifndef THREADLEAK_CLI_RUN_TREE_H
#define THREADLEAK_CLI_RUN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot/snapshot.h"

struct run_tree {
    struct tree_process {
        pid_t pid;
        uint64_t start_ticks; /* pid and start identify the process; the pid alone may be reused */
    } * items;
    size_t count;
};

/* Lists the live ones, without zombies. False: out of memory, or no /proc. */
bool run_tree_scan(struct run_tree *tree, pid_t root, const char *directory);
/* Is it a descendant of root? With believe_environment, also true if its environment has the directory. */
bool run_tree_has(pid_t root, const char *directory, pid_t pid, bool believe_environment);
void run_tree_release(struct run_tree *tree);

/*
 * Ends all processes: SIGTERM to each, also to stopped and new ones; after 2 s SIGKILL until all have ended.
 * Processes that are held go on when each has got its SIGTERM. False: some could not be ended.
 */
bool run_tree_end(pid_t root, const char *directory, struct snapshot_holds *holds);

#endif
