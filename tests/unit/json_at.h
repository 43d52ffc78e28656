/* Facts of a JSON document. Each function fails the test where the document has no such value. */
#ifndef JSON_AT_H
#define JSON_AT_H

#include <jansson.h>

/* The value at "a.b" or "a.0.b", which the document owns. */
json_t *json_at(json_t *json, const char *path);
const char *json_text_at(json_t *json, const char *path);

/* The value there is `expected`: JSON with ' for each ". */
void json_at_is(json_t *json, const char *path, const char *expected);

#endif
