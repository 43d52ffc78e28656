/*
 * Ledgers of processes that run without the shim: `threadleak attach` writes them.
 *
 * They are files PID.STARTTIME (start in clock ticks after boot, so that a pid that is used again has another
 * name) in /run/threadleak for root, else in $XDG_RUNTIME_DIR/threadleak. The writer locks its file with
 * flock(2): without that lock it is what a writer that was killed has left, and is not used.
 */
#ifndef THREADLEAK_LEDGER_ATTACHED_H
#define THREADLEAK_LEDGER_ATTACHED_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum { ATTACHED_PATH = 300 };

/* The path for this user to write; makes the directory, and removes files of processes that have ended. False
 * with an error. */
bool attached_make_path(pid_t pid, char path[ATTACHED_PATH], struct error *error);
/* Opens the file that root or this user writes for a process. -1: there is none. */
int attached_open(pid_t pid);

#endif
