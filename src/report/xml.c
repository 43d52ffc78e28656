#include "report/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "report/text_parts.h"

static const char *entity(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;"; /* also of ]]> */
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* How many bytes may stand as they are; 0: none. */
static size_t plain_bytes(const char *at)
{
    unsigned char first = (unsigned char)at[0];
    size_t length = character_length(at);
    if (first < 0x20 || first == 0x7f)
        return 0;
    if (first == 0xc2 && (unsigned char)at[1] < 0xa0)
        return 0; /* U+0080 to U+009F drive terminals */
    if (length == 3 && (!memcmp(at, "\xef\xbf\xbe", 3) || !memcmp(at, "\xef\xbf\xbf", 3)))
        return 0;
    return length;
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
