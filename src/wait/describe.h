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

/* The row of kinds.def for a system call with its arguments; wait_for_other, without text, describes one
 * without a row. */
struct wait_call wait_call_of(long nr, const uint64_t args[6]);

struct watched; /* files.h */
/* Lists the descriptors of a poll, select or epoll_wait; nothing for another call. False: out of memory. */
bool poll_read(const struct view *view, struct watched *watched);

/* The row of kinds.def for a function that waits for a futex; NULL: none.  is_prefix: the row's name may be a
 * prefix. */
const struct futex_user *futex_user_find(const char *name, bool is_prefix);

#endif
