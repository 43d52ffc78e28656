/* What the threads of a group run, and its place in the sources.  NULL: not known. */
#ifndef THREADLEAK_REPORT_GROUP_FRAMES_H
#define THREADLEAK_REPORT_GROUP_FRAMES_H

#include "leak/model.h"

/*
 * What the threads run: the start routine.  That of a runtime (std::thread's, Rust's) does not name the
 * user's function; then it is the user's outermost function, where all current stacks agree on one.
 */
const struct frame *run_frame(const struct leak_group *group);

/*
 * The frame of the creation stack that a source viewer opens, one with a file and a line: the first whose
 * file is below source_root(), else the user's first one.
 */
const struct frame *source_frame(const struct leak_group *group);

#endif
