#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/escape.h"
#include "report/text/layout.h"

/* ---- characters ---------------------------------------------------------------------- */

/* Length of "ESC [ ... m" */
static size_t color_length(const char *at)
{
    if (at[0] != '\033' || at[1] != '[')
        return 0;
    size_t length = 2 + strspn(at + 2, "0123456789;");
    return at[length] == 'm' ? length + 1 : 0;
}

static uint32_t code_of(const char *at, size_t length)
{
    static const unsigned char bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)at[0] & bits[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    return code;
}

/* Characters of East Asia and emoji take two columns: https://www.unicode.org/reports/tr11/ */
static size_t columns_of(uint32_t code)
{
    static const uint32_t wide[][2] = {
        {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},
        {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
        if (code >= wide[i][0] && code <= wide[i][1])
            return 2;
    return 1;
}

struct character {
    size_t length, columns;
    bool replaced;
};

static struct character character_at(const char *text, bool ascii)
{
    struct character character = {.length = color_length(text)};
    if (character.length)
        return character;
    size_t length = character_length(text);
    character.length = length ? length : 1;
    character.replaced = ascii && (unsigned char)*text >= 0x80;
    character.columns = length < 2 ? 1 : character.replaced ? 4 * length : columns_of(code_of(text, length));
    return character;
}

/* ---- lines --------------------------------------------------------------------------- */

/* A line that is being written. */
struct writer {
    FILE *out;
    const struct text_layout *layout;
    size_t column, indent; /* indent: of what follows a break */
};

/* "4.5 s" is one word: is this the blank before its unit? */
static bool is_before_unit(const char *start, const char *blank, const char *end)
{
    static const char *const units[] = {"ms", "s", "min", "h", "days"};
    size_t length = 0;
    if (blank == start || blank[-1] < '0' || blank[-1] > '9')
        return false;
    while (blank + 1 + length < end && blank[1 + length] >= 'a' && blank[1 + length] <= 'z')
        length++;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (length == strlen(units[i]) && !memcmp(blank + 1, units[i], length))
            return true;
    return false;
}

/* "exit status 1", "peak 5.", "(pid 7555)": is this the blank between a word and its number? A row of numbers
 * can break. A color may end behind the number. */
static bool is_before_number(const char *start, const char *blank, const char *end)
{
    const char *number = blank + 1;
    while (number < end && *number >= '0' && *number <= '9')
        number++;
    bool is_word = blank > start && (isalpha((unsigned char)blank[-1]) || blank[-1] == ':');
    return is_word && number > blank + 1 && (number == end || strchr(" .,;:)\033", *number));
}

static bool is_unbreakable(const char *start, const char *blank, const char *end)
{
    return is_before_unit(start, blank, end) || is_before_number(start, blank, end);
}

/* Columns from here to the next blank where a line may break. */
static size_t word_columns(const struct writer *writer, const char *text, const char *end)
{
    const char *start = text;
    size_t columns = 0;
    while (text < end && (*text != ' ' || is_unbreakable(start, text, end))) {
        struct character character = character_at(text, writer->layout->ascii);
        text += character.length;
        columns += character.columns;
    }
    return columns;
}

static const char *put_word(struct writer *writer, const char *text, const char *end)
{
    while (text < end && *text != ' ') {
        struct character character = character_at(text, writer->layout->ascii);
        if (character.replaced)
            character.columns = put_ascii_character(writer->out, text, character.length);
        else
            fwrite(text, 1, character.length, writer->out);
        text += character.length;
        writer->column += character.columns;
    }
    return text;
}

static void put_blanks(struct writer *writer, size_t blanks)
{
    fprintf(writer->out, "%*s", (int)blanks, "");
    writer->column += blanks;
}

/* Breaks before a word that does not fit, unless nothing precedes it. */
static void put_gap(struct writer *writer, size_t blanks, size_t word)
{
    size_t width = writer->layout->width;
    if (!width || writer->column + blanks + word <= width || writer->column <= writer->indent) {
        put_blanks(writer, blanks);
        return;
    }
    putc('\n', writer->out);
    writer->column = 0;
    put_blanks(writer, writer->indent);
}

static void put_line(FILE *out, const char *line, const char *end, const struct text_layout *layout)
{
    size_t first = strspn(line, " ");
    struct writer writer = {.out = out, .layout = layout, .indent = first + 4};
    while (line < end) {
        size_t blanks = strspn(line, " ");
        line += blanks;
        put_gap(&writer, blanks, word_columns(&writer, line, end));
        line = put_word(&writer, line, end);
    }
}

void text_lay_out(FILE *out, const char *text, const struct text_layout *layout)
{
    while (*text) {
        const char *end = strchrnul(text, '\n');
        put_line(out, text, end, layout);
        if (*end)
            putc('\n', out);
        text = end + (*end != '\0');
    }
}
