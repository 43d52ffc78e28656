/* What every format made of JSON needs. */
#ifndef THREADLEAK_JSON_PARTS_H
#define THREADLEAK_JSON_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A string; bytes that are no UTF-8 become U+FFFD.  NULL becomes null. */
json_t *json_text(const char *string);

/* Writes a document, with its last newline, and releases it.  NULL stands for out of
 * memory.  False with errno when it could not be written. */
bool json_write(FILE *out, json_t *json);

#endif
