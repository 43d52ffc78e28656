/* The identity of a leak across runs, rebuilds and machines.  Private to the directory. */
#ifndef THREADLEAK_LEAK_FINGERPRINT_H
#define THREADLEAK_LEAK_FINGERPRINT_H

#include "leak/model.h"

/*
 * Sets `fingerprint`, `old_fingerprint` and `place` from the kind, the creation stack and the start routine
 * of the group.  They hash only what the project's sources decide: modules, functions with their template
 * arguments, and the start routine.  Lines and addresses change with every build.  Frames of libc and of
 * language runtimes differ between machines, so of these only the template arguments that the user gave
 * count. Recursion counts once.  Running and unjoined threads are equal, because timing decides which of the
 * two a thread is.
 *
 * Equal fingerprints need equal functions.  Without symbols, offsets replace them, which are valid until the
 * next build.  Inlined functions are only known from debug information, so a build without it has the same
 * fingerprints only where the compiler inlined nothing.
 *
 * `old_fingerprint` is that of version 0.1, without start routine and template arguments, for baselines that
 * it wrote.
 *
 * `place` also has the lines of user frames, where they are known.
 */
void group_set_fingerprints(struct leak_group *group);

/* Adds the module and the function of a frame, as above. */
uint64_t fingerprint_add_frame(uint64_t hash, const struct frame *frame);

#endif
