/* Locations and stacks of SARIF 2.1.0 (sections 3.28 to 3.33, 3.44, 3.45). */
#ifndef THREADLEAK_REPORT_CI_SARIF_LOCATION_H
#define THREADLEAK_REPORT_CI_SARIF_LOCATION_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#include "symbolize/symbolize.h"

/* The array `locations`; empty for NULL. */
json_t *sarif_locations(const struct frame *frame);

/* An element of `relatedLocations`. */
json_t *sarif_location(const struct frame *frame, const char *message);

/* An element of `stacks`.  tid: 0 leaves it out. */
json_t *sarif_stack(const char *message, const struct frame *frames, size_t count, pid_t tid);

/* `originalUriBaseIds`: what paths of sources are relative to. */
json_t *sarif_bases(void);

#endif
