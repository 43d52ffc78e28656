/* Why a process or thread could not be stopped, and what would allow it. */
#ifndef THREADLEAK_SNAPSHOT_WHY_H
#define THREADLEAK_SNAPSHOT_WHY_H

#include "snapshot/snapshot.h"
#include "snapshot/stop.h"

/* A tracer of one of those threads that were refused; 0: none by now. */
pid_t snapshot_tracer(const struct stop *stop);
/* Some thread was refused, and would not be a moment later: another threadleak traces
 * it, or somebody did who has gone since. */
bool snapshot_is_passing(const struct stop *stop);
/* For when not one thread could be stopped; why: errno, or 0. */
enum snapshot_status snapshot_explain(const struct stop *stop, int why, struct error *error);

#endif
