#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t character_length(const char *text)
{
    static const struct {
        unsigned char mask, bits;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    const unsigned char *at = (const unsigned char *)text;
    for (size_t n = 0; n < 4; n++) {
        if ((at[0] & forms[n].mask) != forms[n].bits)
            continue;
        uint32_t code = at[0] & (unsigned char)~forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (at[i] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code >= forms[n].least && code <= 0x10ffff && !surrogate ? n + 1 : 0;
    }
    return 0;
}

size_t plain_length(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    bool control = first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)text[1] < 0xa0);
    return control ? 0 : character_length(text);
}

size_t escaped_width(const char *text)
{
    size_t width = 0;
    while (*text) {
        size_t length = plain_length(text);
        width += length ? 1 : 4;
        text += length ? length : 1;
    }
    return width;
}

size_t put_escaped(FILE *out, const char *text)
{
    size_t width = escaped_width(text);
    while (*text) {
        size_t length = plain_length(text);
        if (length)
            fwrite(text, 1, length, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*text);
        text += length ? length : 1;
    }
    return width;
}

size_t put_ascii_character(FILE *out, const char *at, size_t length)
{
    if (length == 2 && memcmp(at, "×", 2) == 0)
        return fputs("x", out), 1;
    for (size_t i = 0; i < length; i++)
        fprintf(out, (unsigned char)at[i] < 0x80 ? "%c" : "\\x%02x", (unsigned char)at[i]);
    return (unsigned char)*at < 0x80 ? length : 4 * length;
}

void put_ascii(FILE *out, const char *text)
{
    for (size_t length; *text; text += length) {
        length = character_length(text);
        length = length ? length : 1;
        put_ascii_character(out, text, length);
    }
}

void replace_controls(char *text)
{
    while (*text) {
        size_t length = plain_length(text);
        if (!length)
            *text = '?';
        text += length ? length : 1;
    }
}
