/*
 * Present stacks in a file: a process that ends under `threadleak run` is looked at
 * while it is still there, and reported when all have ended.
 *
 * JSON, for this program alone, of its own version: other contents are no present
 * stacks.  The file is read as hostile input: the folder belongs to the user, but
 * the processes that are watched may write there.
 */
#ifndef THREADLEAK_PRESENT_FILE_H
#define THREADLEAK_PRESENT_FILE_H

#include "present.h"

/* "present.PID.N", beside "ledger.PID.N" */
#define PRESENT_FILE_PREFIX "present."

/* Written whole or not at all.  False with errno. */
bool present_save(const struct present *present, const char *path);
/* The strings of its frames are kept by the present itself.  NULL: no such file, or
 * nothing of use in it. */
struct present *present_load(const char *path);
/* For present_free. */
void present_free_kept(void *kept);

#endif
