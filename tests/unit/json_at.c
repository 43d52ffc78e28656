#include "json_at.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

json_t *json_at(json_t *json, const char *path)
{
    char part[32];
    for (const char *next = path; *next; next += *next == '.') {
        size_t length = strcspn(next, ".");
        snprintf(part, sizeof(part), "%.*s", (int)length, next);
        json = isdigit((unsigned char)*part) ? json_array_get(json, (size_t)atoi(part))
                                             : json_object_get(json, part);
        ck_assert_msg(json, "%s is missing", path);
        next += length;
    }
    return json;
}

const char *json_text_at(json_t *json, const char *path)
{
    return json_string_value(json_at(json, path));
}

void json_at_is(json_t *json, const char *path, const char *expected)
{
    json_t *value = json_at(json, path);
    char *wanted = strdup(expected), *found = json_dumps(value, JSON_ENCODE_ANY);
    for (char *at = wanted; (at = strchr(at, '\''));)
        *at = '"';
    json_error_t wrong;
    json_t *parsed = json_loads(wanted, JSON_DECODE_ANY, &wrong);
    ck_assert_msg(parsed, "%s: %s", expected, wrong.text);
    ck_assert_msg(json_equal(value, parsed), "%s is %s, not %s", path, found, wanted);
    json_decref(parsed);
    free(found);
    free(wanted);
}
