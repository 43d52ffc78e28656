#include "report/ci/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/escape.h"

static const char *entity(char c)
{
    static const char *const entities[] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;", ['\''] = "&#39;"};
    size_t i = (unsigned char)c;
    return i < sizeof(entities) / sizeof(*entities) ? entities[i] : NULL;
}

/* Number of bytes of the character; 0: XML excludes it, or it controls a terminal. */
static size_t plain_bytes(const char *at)
{
    bool is_excluded = !strncmp(at, "\xef\xbf\xbe", 3) || !strncmp(at, "\xef\xbf\xbf", 3);
    return is_excluded ? 0 : plain_length(at);
}

static void put(FILE *out, const char *text, bool newlines)
{
    while (*text) {
        size_t length = newlines && *text == '\n' ? 1 : plain_bytes(text);
        const char *instead = entity(*text);
        if (instead)
            fputs(instead, out);
        else if (length)
            fwrite(text, 1, length, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*text);
        text += length ? length : 1;
    }
}

void put_xml(FILE *out, const char *text)
{
    put(out, text, true);
}

void put_xml_line(FILE *out, const char *text)
{
    put(out, text, false);
}
