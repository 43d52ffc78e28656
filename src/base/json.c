#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

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

static void release_unless(bool done, json_t **json)
{
    if (done)
        return;
    json_decref(*json);
    *json = NULL;
}

void set_value(json_t **object, const char *key, json_t *value)
{
    release_unless(json_object_set_new(*object, key, value) == 0, object);
}

void set_text(json_t **object, const char *key, const char *text)
{
    set_value(object, key, json_text(text));
}

void set_number(json_t **object, const char *key, int64_t number)
{
    set_value(object, key, json_integer(number));
}

void set_bool(json_t **object, const char *key, bool value)
{
    set_value(object, key, json_boolean(value));
}

void append_value(json_t **array, json_t *value)
{
    release_unless(json_array_append_new(*array, value) == 0, array);
}

/* ---- output -------------------------------------------------------------------------- */

/* jansson writes a few bytes at a time. */
struct output {
    FILE *out;
    bool is_c2; /* the latest byte was 0xc2, and is not written yet */
    size_t used;
    char bytes[16384];
};

static bool flush_output(struct output *output)
{
    size_t used = output->used;
    output->used = 0;
    return fwrite(output->bytes, 1, used, output->out) == used;
}

/* Room for the longest that put_byte() adds is left. */
static void put_char(struct output *output, char byte)
{
    output->bytes[output->used++] = byte;
}

static void put_byte(struct output *output, unsigned char byte)
{
    bool after_c2 = output->is_c2;
    output->is_c2 = byte == 0xc2;
    if ((after_c2 && byte >= 0x80 && byte < 0xa0) || byte == 0x7f) {
        output->used += (size_t)snprintf(output->bytes + output->used, 8, "\\u%04x", byte);
        return;
    }
    if (after_c2)
        put_char(output, (char)0xc2);
    if (byte != 0xc2)
        put_char(output, (char)byte);
}

static int write_bytes(const char *bytes, size_t size, void *arg)
{
    struct output *output = arg;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (output->used > sizeof(output->bytes) - 8 && !flush_output(output))
            return -1;
        if (output->is_c2 || byte == 0xc2 || byte == 0x7f)
            put_byte(output, byte);
        else
            put_char(output, (char)byte);
    }
    return 0;
}

bool json_put(FILE *out, const json_t *json, size_t flags)
{
    struct output output;
    output.out = out;
    output.is_c2 = false;
    output.used = 0;
    return json_dump_callback(json, write_bytes, &output, flags) == 0 && flush_output(&output);
}

bool json_write(FILE *out, json_t *json)
{
    if (!json) {
        errno = ENOMEM;
        return false;
    }
    bool written = json_put(out, json, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) &&
                   putc('\n', out) != EOF && fflush(out) == 0;
    json_decref(json);
    return written;
}
