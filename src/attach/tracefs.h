/*
 * Probes as trace events: tracefs's uprobe_events (the kernel's trace/uprobetracer). An event by its path and
 * offset alone, without tracefs, cannot be inherited: the kernel would read the path from the memory of the
 * thread that creates another, and pthread_create would fail with EFAULT in the watched program.
 */
#ifndef THREADLEAK_ATTACH_TRACEFS_H
#define THREADLEAK_ATTACH_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tracefs {
    int directory; /* -1: not open */
    char group[48];
    size_t count; /* of defined probes, named p0, p1 … */
};

/* Opens it where it is mounted, or a mount that no path shows. Removes probes that an attach left when it was
 * killed. False with an error. */
bool tracefs_open(struct tracefs *tracefs, struct error *error);
/* Defines a probe. *id: that of its event. False with errno. */
bool tracefs_define(struct tracefs *tracefs, const char *path, uint64_t offset, bool is_return, uint64_t *id);
/* Removes the probes, whose events must be closed. */
void tracefs_close(struct tracefs *tracefs);

#endif
