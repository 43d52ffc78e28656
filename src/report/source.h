/* The sources of a leak.  A CI names them by paths that are relative to the root of the checkout. */
#ifndef THREADLEAK_REPORT_SOURCE_H
#define THREADLEAK_REPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/model.h"

/* $GITHUB_WORKSPACE where the working directory is in it, else the working directory; "" when that is not
 * known.  Overwritten by the next call of a function of this header. */
const char *source_root(void);

bool is_below_source_root(const char *path);

/* The path below that directory, or else the path as it is; without ./ and //. */
void format_source_path(char *out, size_t size, const char *path);

/*
 * What the threads run: the start routine.  That of a runtime (std::thread's, Rust's) does not name the
 * user's function; then it is the user's outermost function, where all current stacks agree on one.
 * NULL: not known.
 */
const struct frame *run_frame(const struct leak_group *group);

/*
 * The frame of the creation stack that a source viewer opens, one with a file and a line: the first whose
 * file is below source_root(), else the user's first one.  NULL: none has a file.
 */
const struct frame *source_frame(const struct leak_group *group);

#endif
