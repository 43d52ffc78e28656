/* The terminal that a report is read on. */
#ifndef THREADLEAK_CLI_COMMON_TERMINAL_H
#define THREADLEAK_CLI_COMMON_TERMINAL_H

#include <stdbool.h>

/* Its columns: those of the window, or $COLUMNS if that is less; 0: the descriptor is no terminal. */
unsigned terminal_width(int fd);
/* Is the character set of the locale another one than UTF-8? */
bool terminal_is_ascii(void);

#endif
