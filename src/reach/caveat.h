/* Caveats as bits. */
#ifndef THREADLEAK_REACH_CAVEAT_H
#define THREADLEAK_REACH_CAVEAT_H

#include "reach/reach.h"

#define REACH_BIT(name) (UINT32_C(1) << REACH_CAVEAT_##name)

#endif
