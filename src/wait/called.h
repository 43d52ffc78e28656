/* Finds which function the call before a return address called. A function that ended with a jump is not on
 * the stack. The target of the jump may have no name in a stripped library. */
#ifndef THREADLEAK_WAIT_CALLED_H
#define THREADLEAK_WAIT_CALLED_H

#include <stdint.h>

#include "snapshot/snapshot.h"

/* Follows a PLT stub.  0: the call is indirect, or its code could not be read. */
uint64_t called_function(const struct snapshot *snapshot, uint64_t return_pc);

#endif
