#include "json_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text_parts.h"

json_t *json_text(const char *string)
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

bool json_write(FILE *out, json_t *json)
{
    if (!json) {
        errno = ENOMEM;
        return false;
    }
    bool written =
        json_dumpf(json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) == 0 &&
        putc('\n', out) != EOF && fflush(out) == 0;
    json_decref(json);
    return written;
}
