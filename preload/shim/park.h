/* A thread that must not act any more sleeps until the process ends. */
#ifndef THREADLEAK_PRELOAD_SHIM_PARK_H
#define THREADLEAK_PRELOAD_SHIM_PARK_H

/* Never returns. Blocks all signals. */
_Noreturn void park(void);

/* The same without a stack, and with signals as they are: the reporter lets stopped threads go on here. */
_Noreturn void park_as_it_is(void);

#endif
