/* Timeouts of system calls. */
#ifndef THREADLEAK_WAIT_TIME_H
#define THREADLEAK_WAIT_TIME_H

#include "wait/view.h"

/* Sets the wait's timeout and left_s, and view->whole_s. */
void wait_set_timeout(struct view *view);
/* ", no timeout", ", a timeout of 5 s": according to the kind's row in kinds.def. */
void wait_add_timeout(const struct view *view);
/* ", 41 s left" */
void wait_add_left(struct line *line, const struct wait *wait);
/* "0.25 s", "41 s" */
void line_add_seconds(struct line *line, double seconds);

#endif
