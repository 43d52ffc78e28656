/* Why a process or thread could not be stopped, and what would allow it. */
#ifndef THREADLEAK_SNAPSHOT_WHY_H
#define THREADLEAK_SNAPSHOT_WHY_H

#include "snapshot/snapshot.h"
#include "snapshot/stop.h"

/* The tracer of a thread that was refused; 0: there is none any more. */
pid_t snapshot_tracer(const struct stop *stop);
/* Was a thread refused that will not be a moment later?  Another threadleak traces it, or its
 * tracer has gone meanwhile. */
bool snapshot_is_passing(const struct stop *stop);
/* Why no thread at all could be stopped.  why: errno, or 0. */
enum snapshot_status snapshot_explain(const struct stop *stop, int why, struct error *error);

#endif
