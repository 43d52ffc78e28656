/* What every format made of JSON needs. */
#ifndef THREADLEAK_BASE_JSON_H
#define THREADLEAK_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A string; bytes that are no UTF-8 become U+FFFD.  NULL becomes null. */
json_t *json_text(const char *string);

/*
 * Objects key by key, in that order, and arrays.  What fails (out of memory: also a value that is
 * NULL) releases the whole and leaves NULL there, and the calls after it do nothing: only the end
 * must be looked at.  Values are taken over.
 */
void set_value(json_t **object, const char *key, json_t *value);
void set_text(json_t **object, const char *key, const char *text); /* as json_text */
void set_number(json_t **object, const char *key, int64_t number);
void set_bool(json_t **object, const char *key, bool value);
void append_value(json_t **array, json_t *value);

/* Writes a document, with its last newline, and releases it.  NULL stands for out of
 * memory.  False with errno when it could not be written. */
bool json_write(FILE *out, json_t *json);

#endif
