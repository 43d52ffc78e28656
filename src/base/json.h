/*
 * Builds and writes JSON with jansson. Text of a watched process can have any bytes: json_text() makes valid
 * UTF-8 of it, and json_put() writes no control characters.
 */
#ifndef THREADLEAK_BASE_JSON_H
#define THREADLEAK_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A string, with U+FFFD for each byte that is not UTF-8; null for NULL. */
json_t *json_text(const char *string);

/*
 * Add to an object, whose keys keep the order of the calls, or to an array, and take ownership of the value.
 * When out of memory, or when the value is NULL, they release the object or array and set it to NULL. Calls
 * for NULL do nothing, so only the final result must be checked.
 */
void set_value(json_t **object, const char *key, json_t *value);
void set_text(json_t **object, const char *key, const char *text); /* converts the text as json_text does */
void set_number(json_t **object, const char *key, int64_t number);
void set_bool(json_t **object, const char *key, bool value);
void append_value(json_t **array, json_t *value);

/* Writes a value as json_dumpf does. DEL and the control characters from U+0080 to U+009F are escaped, too:
 * terminals take them for commands. False with errno: not written. */
bool json_put(FILE *out, const json_t *json, size_t flags);

/* Writes a document and a newline, and releases the document. False with errno: it was not written. ENOMEM:
 * the document is NULL. */
bool json_write(FILE *out, json_t *json);

#endif
