/* Threads and their frames in the format "json", and values that may be unknown: null.
 *
 * The caller owns what the functions return. NULL: out of memory; base/json.h passes that on. */
#ifndef THREADLEAK_REPORT_JSON_THREAD_H
#define THREADLEAK_REPORT_JSON_THREAD_H

#include <jansson.h>

#include "leak/model.h"

/* Each sets a member of an object, as base/json.h does. */
void set_address(json_t **object, const char *key, uint64_t address, bool known);
/* Below zero: unknown. */
void set_seconds(json_t **object, const char *key, double seconds);
/* known false: null. */
void set_known(json_t **object, const char *key, int64_t number, bool known);
/* For numbers that start at 1, such as pids and lines: 0 and below are unknown. */
void set_positive(json_t **object, const char *key, int64_t number);

/* frame NULL: null. */
json_t *frame_json(const struct frame *frame);
/* An array, leaf first. */
json_t *frames_json(const struct frame *frames, size_t count);
/* A thread with its current stack and wait. kind NULL: null. findings: of its process. */
json_t *thread_json(const struct thread_info *thread, const char *kind, const struct findings *findings);

#endif
