#include "json_parts.h"

#include <stdlib.h>
#include <string.h>

#include "text_parts.h"

json_t *text_json(const char *string)
{
    if (!string)
        return json_null();
    char *clean = malloc(3 * strlen(string) + 1), *out = clean;
    if (!clean)
        return NULL;
    for (const char *at = string; *at;) {
        size_t length = character_length(at);
        memcpy(out, length ? at : "\xef\xbf\xbd", length ? length : 3);
        out += length ? length : 3;
        at += length ? length : 1;
    }
    json_t *json = json_stringn(clean, (size_t)(out - clean));
    free(clean);
    return json;
}
