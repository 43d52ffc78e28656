/* Builds and writes JSON, for every format that is made of it. */
#ifndef THREADLEAK_BASE_JSON_H
#define THREADLEAK_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A string, with U+FFFD for each byte that is not UTF-8; null for NULL. */
json_t *json_text(const char *string);

/*
 * Add to an object, whose keys keep the order of the calls, or to an array.  Values are taken over.  Out of
 * memory (a value that is NULL, too) releases the whole and sets it to NULL.  Calls for NULL do nothing, so
 * only the result must be checked.
 */
void set_value(json_t **object, const char *key, json_t *value);
void set_text(json_t **object, const char *key, const char *text); /* as json_text */
void set_number(json_t **object, const char *key, int64_t number);
void set_bool(json_t **object, const char *key, bool value);
void append_value(json_t **array, json_t *value);

/* Writes a document and a newline, and releases the document.  False with errno: it was not written; ENOMEM
 * for a document that is NULL. */
bool json_write(FILE *out, json_t *json);

#endif
