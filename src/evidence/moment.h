/* All times of a process refer to one moment, evidence->now_ns. */
#ifndef THREADLEAK_EVIDENCE_MOMENT_H
#define THREADLEAK_EVIDENCE_MOMENT_H

#include "evidence/evidence.h"

/*
 * Corrects the times since threads last ran. They were read with the stacks: after now_ns, if that is the
 * beginning of the process's end. No thread has waited for longer than it has lived.
 */
void moment_align(struct evidence *evidence);

#endif
