/* Creations of threads that could not be recorded. */
#ifndef THREADLEAK_PRELOAD_LEDGER_LOST_H
#define THREADLEAK_PRELOAD_LEDGER_LOST_H

/* A thread was created in a process that should have a ledger, but has none. */
void lost_creation(void);

/* Prints one line on standard error if creations were lost, unless `threadleak run` reports them. Call it at
 * an end of the process. */
void lost_say(void);

#endif
