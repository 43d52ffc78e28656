/* Why a process or thread could not be stopped, and what would allow it. */
#ifndef THREADLEAK_SNAPSHOT_WHY_H
#define THREADLEAK_SNAPSHOT_WHY_H

#include "snapshot.h"
#include "snapshot_stop.h"

/* A number from a line "KEY: NUMBER" of /proc/PID/status; -1: not there. */
long status_number(pid_t pid, const char *key);
/* For when not one thread could be stopped; why: errno, or 0. */
enum snapshot_status snapshot_explain(const struct stop *stop, int why, struct error *error);

#endif
