/* Waits of `threadleak top`, which a signal or a key ends. */
#ifndef THREADLEAK_CLI_TOP_WAIT_H
#define THREADLEAK_CLI_TOP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* From now on SIGINT, SIGTERM and SIGHUP end a wait, and not the program. Call it before ncurses begins: it
 * leaves signals alone that have a handler. Between waits these signals are blocked, so none is missed. */
void top_catch_signals(void);
/* Until this time (CLOCK_MONOTONIC, ns), such a signal, or a change of the terminal's size. fd: also until it
 * can be read; -1: none. False: such a signal came, or the terminal is gone. */
bool top_wait(uint64_t until_ns, int fd);
/* Is it that time? Also if the clock has jumped back, as that of a restored machine can: it delays no sample.
 * interval_ns: what was left until then when the wait began. */
bool top_is_due(uint64_t until_ns, uint64_t interval_ns);

#endif
