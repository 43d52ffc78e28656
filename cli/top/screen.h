/* The screen of `threadleak top`. */
#ifndef THREADLEAK_CLI_TOP_SCREEN_H
#define THREADLEAK_CLI_TOP_SCREEN_H

#include "cli/top/top.h"

/* Shows the process until the user quits or it ends. TOP_FAILED with an error: there is no usable terminal,
 * or the process has ended before it was shown. Call top_catch_signals() before. */
enum top_end screen_show(struct top *top, int interval_ms, struct error *error);

#endif
