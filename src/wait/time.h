/* Timeouts of system calls. */
#ifndef THREADLEAK_WAIT_TIME_H
#define THREADLEAK_WAIT_TIME_H

#include "wait/internal.h"

/* Whether /proc/self and /proc/TASK are in one time namespace (time_namespaces(7)). */
bool wait_clocks_are_same(pid_t task);
/* Sets timeout and left_s; *whole_s: how long it was when it began, or < 0. */
void wait_set_timeout(const struct view *view, double *whole_s);
/* ", no timeout", ", a timeout of 5 s" */
void wait_add_timeout(const struct view *view, bool say_none, double whole_s);
/* ", 41 s left" */
void wait_add_left(struct line *line, const struct wait *wait);
/* "0.25 s", "41 s" */
void line_add_seconds(struct line *line, double seconds);

#endif
