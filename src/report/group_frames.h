/* The frames of a leak group that say most about it.  All point into the group; NULL: not known. */
#ifndef THREADLEAK_REPORT_GROUP_FRAMES_H
#define THREADLEAK_REPORT_GROUP_FRAMES_H

#include "leak/model.h"

/* What created the threads: the user's first frame, else the leaf. */
const struct frame *creator_frame(const struct leak_group *group);

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
