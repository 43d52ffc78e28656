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
/* What the threads of a process have in common. Release it after the last of them. */
struct common_json {
    const struct findings *findings;
    const struct stacks *stacks; /* NULL: not taken */
    json_t **frames;             /* of each of stacks->shared, once a thread needed it; else NULL */
};
/* Without memory for `frames` they are made for each thread. */
struct common_json common_json_of(const struct process_report *process);
void common_json_release(struct common_json *common);

/* A thread with its current stack and wait. kind NULL: null. Threads with equal stacks have one array of
 * frames. */
json_t *thread_json(const struct thread_info *thread, const char *kind, const struct common_json *common);

#endif
