/*
 * The processes of a run: COMMAND, its descendants, and those that have left its tree
 * (a daemon's parent is gone) but were started with this run's directory in their
 * environment.
 */
#ifndef THREADLEAK_CLI_RUN_TREE_H
#define THREADLEAK_CLI_RUN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct run_tree {
    struct tree_process {
        pid_t pid;
        uint64_t start_ticks; /* with the pid: which process it is, whoever has the pid later */
    } * items;
    size_t count;
};

/* Those that are alive now; zombies are not.  False: out of memory, or no /proc. */
bool run_tree_scan(struct run_tree *tree, pid_t root, const char *directory);
/* Does it descend from root?  Where its environment can be believed: or has it the directory there? */
bool run_tree_has(pid_t root, const char *directory, pid_t pid, bool believe_environment);
void run_tree_release(struct run_tree *tree);

/*
 * Ends them: SIGTERM to each, also to those that are stopped or come up meanwhile;
 * SIGKILL to what is left after 2 s, until none is.  False: some could not be ended.
 */
bool run_tree_end(pid_t root, const char *directory);

#endif
