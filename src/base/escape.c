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

/* Of a well-formed character: Unicode's marks of direction (UAX #9), and its separators of lines. */
static bool moves_text(const unsigned char *at, size_t length)
{
    if (length == 2)
        return at[0] == 0xd8 && at[1] == 0x9c; /* U+061C */
    if (length != 3 || at[0] != 0xe2)
        return false;
    unsigned char last = at[2];
    if (at[1] == 0x80)
        return last == 0x8e || last == 0x8f ||
               (last >= 0xa8 && last <= 0xae);            /* U+200E, U+200F, U+2028 to U+202E */
    return at[1] == 0x81 && last >= 0xa6 && last <= 0xa9; /* U+2066 to U+2069 */
}

size_t plain_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    bool control = at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
    size_t length = control ? 0 : character_length(text);
    return moves_text(at, length) ? 0 : length;
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
