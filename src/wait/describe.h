/*
 * The functions that describe a wait, one for each FUNCTION in kinds.def.  Each sets view->wait
 * (`on` at least) and appends the text to view->line.  False: out of memory.
 */
#ifndef THREADLEAK_WAIT_DESCRIBE_H
#define THREADLEAK_WAIT_DESCRIBE_H

#include "wait/view.h"

/* Some are declared more than once. */
#define WAIT_CALL(call, function, text, fd, time, time_arg) bool function(const struct view *view);
#define WAIT_USER(name, function, glibc) bool function(const struct view *view);
#include "wait/kinds.def"

#endif
