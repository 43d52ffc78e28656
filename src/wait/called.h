/* Which function a return address has called: one that left by a jump to another,
 * which has no name in a stripped library, is not on the stack. */
#ifndef THREADLEAK_WAIT_CALLED_H
#define THREADLEAK_WAIT_CALLED_H

#include <stdint.h>

#include "snapshot/snapshot.h"

/* Through a PLT stub too; 0: cannot be told. */
uint64_t called_function(const struct snapshot *snapshot, uint64_t return_pc);

#endif
