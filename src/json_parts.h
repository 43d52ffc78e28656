/* What the JSON formats share. */
#ifndef THREADLEAK_JSON_PARTS_H
#define THREADLEAK_JSON_PARTS_H

#include <jansson.h>

/* A string; bytes that are no UTF-8 become U+FFFD.  NULL becomes null.  NULL: out of memory. */
json_t *text_json(const char *string);

#endif
