/*
 * Checks whether COMMAND can be watched: will the dynamic loader preload a library into it? run checks this
 * before it starts anything, so that a message can give the reason.
 */
#ifndef THREADLEAK_CLI_COMMON_WATCHABLE_H
#define THREADLEAK_CLI_COMMON_WATCHABLE_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"
#include "leak/model.h"

enum watchable {
    WATCHABLE,
    WATCHABLE_NOT_FOUND,
    WATCHABLE_NOT_EXECUTABLE,
    WATCHABLE_NEVER /* it can run, but no library can be preloaded into it */
};

/*
 * Finds `command` as execvp(3) does. Then follows the interpreters of scripts as execve(2) does, to the ELF
 * file that the kernel would run. `path`: the file found for `command`, or "". `error`: the problem and what
 * to do. A file that cannot be read counts as watchable.
 */
enum watchable watchable_command(const char *command, char path[PATH_MAX], struct error *error);

/* The same, of a file. */
enum watchable watchable_file(const char *path, struct error *error);

/* The reason why no library can be preloaded into it; UNWATCHED_NOT: there is no reason. `path` is "" when
 * the command is not found. */
enum unwatched_why watchable_why_not(const char *command, char path[PATH_MAX]);

#endif
