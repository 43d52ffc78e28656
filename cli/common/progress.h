/*
 * One line on the terminal that says what takes long. It appears after a second, and goes before anything
 * else is printed. Where standard error is no terminal, nothing is shown.
 */
#ifndef THREADLEAK_CLI_COMMON_PROGRESS_H
#define THREADLEAK_CLI_COMMON_PROGRESS_H

/* From here on base/progress.h is shown. */
void progress_begin(void);
/* Removes the line. Does nothing without progress_begin(). */
void progress_end(void);
/* Removes the line for a message; it appears again later. */
void progress_hide(void);

#endif
