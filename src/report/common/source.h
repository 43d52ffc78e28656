/* The sources of a leak.  A CI names them by paths that are relative to the root of the checkout. */
#ifndef THREADLEAK_REPORT_COMMON_SOURCE_H
#define THREADLEAK_REPORT_COMMON_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/model.h"

/* $GITHUB_WORKSPACE if the working directory is in it, else the working directory; "": not known. Overwritten
 * by the next call of a function of this header. */
const char *source_root(void);

/* The path below that directory, or else the path as it is; without ./ and //. */
void format_source_path(char *out, size_t size, const char *path);

/*
 * The function that the threads run: the start routine. If that belongs to a runtime (std::thread's, Rust's),
 * it is the outermost user frame, if all current stacks have the same one. NULL: not known.
 */
const struct frame *run_frame(const struct leak_group *group);

/*
 * The frame of the creation stack that a source viewer opens. It has a file and a line. It is the first one
 * whose file is below source_root(), else the first user frame. NULL: none has a file.
 */
const struct frame *source_frame(const struct leak_group *group);

#endif
