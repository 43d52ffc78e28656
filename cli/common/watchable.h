/*
 * Can COMMAND be watched, that is, will the dynamic loader preload a library
 * into it?  Looks before anything is started, so that the answer can say why.
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
    WATCHABLE_NEVER /* it runs, but no library can be preloaded into it */
};

/*
 * Finds `command` as execvp(3) does, then follows the interpreters of scripts as
 * execve(2) does, to the ELF file that the kernel would run.  `path` holds
 * the file found for `command` unless it is not found; `error` says what is
 * wrong, and what to do.  What cannot be read is taken for watchable.
 */
enum watchable watchable_command(const char *command, char path[PATH_MAX], struct error *error);

/* The same, of a file. */
enum watchable watchable_file(const char *path, struct error *error);

/* Why no library can be preloaded into it; UNWATCHED_NOT where nothing is in the way.  `path` is "" when
 * the command is not found. */
enum unwatched_why watchable_why_not(const char *command, char path[PATH_MAX]);

#endif
