/* Text forms of options: THREADLEAK_OPTIONS and paths with %p and %h. */
#include "common/options.h"

#include <string.h>

#include "common/controls.h"

#include "common/guess.h"
#include "common/slice.h"

/* One "key=value" of the text; also a lone "key". */
struct item {
    struct slice key, value;
    bool has_value;
    const char *problem; /* about the quotes, or NULL */
};

struct parser {
    struct options *options;
    const struct options_reader *reader;
    const struct options_key *list; /* the last key: a word without '=' may continue its list */
    bool list_rejected;             /* its first word was invalid: skip the other words */
    const char *cut;                /* a value of the quoted key that ended at ':'; NULL: none just before */
};

struct line {
    char text[256];
    size_t length;
};

static void line_add(struct line *line, struct slice slice)
{
    for (size_t i = 0; i < slice.length && line->length + 1 < sizeof(line->text); i++) {
        unsigned char c = (unsigned char)slice.text[i];
        unsigned char before = line->length ? (unsigned char)line->text[line->length - 1] : 0;
        line->text[line->length++] = is_control_byte(before, c) ? '?' : (char)c;
    }
    line->text[line->length] = '\0';
}

static void line_text(struct line *line, const char *text)
{
    line_add(line, slice_of(text));
}

/* Shortens the user's text so that the reason fits on the line. */
static void line_quote(struct line *line, struct slice slice)
{
    enum { SHOWN = 60 };
    bool cut = slice.length > SHOWN;
    line_add(line, (struct slice){slice.text, cut ? SHOWN : slice.length});
    if (cut)
        line_text(line, "...");
}

/* "ignore=thread:pool" is two items. Shows how to quote it as one. */
static void line_hint(struct line *line, const struct parser *parser, const struct item *item)
{
    const struct slice *last = item->has_value ? &item->value : &item->key;
    line_text(line, "; put a value with ':' in quotes: ");
    line_text(line, parser->reader->quoted_key);
    line_text(line, "='");
    line_quote(line, (struct slice){parser->cut, (size_t)(last->text + last->length - parser->cut)});
    line_text(line, "'");
}

/* " (did you mean grace_ms)", or nothing. */
static void line_guess(struct line *line, struct slice word)
{
    struct guess guess = {.word = word};
    const struct options_key *key;
    for (unsigned n = 0; (key = options_key(n)); n++)
        guess_try(&guess, key->name);
    if (!guess.best)
        return;
    line_text(line, " (did you mean ");
    line_text(line, guess.best);
    line_text(line, ")");
}

static void complain(const struct parser *parser, const struct item *item, const char *problem)
{
    const struct options_reader *reader = parser->reader;
    if (!reader->warn)
        return;
    struct line line = {.length = 0};
    line_text(&line, reader->origin ? reader->origin : "THREADLEAK_OPTIONS");
    line_text(&line, ": ");
    if (problem == options_unknown_key) {
        line_text(&line, "unknown key '");
        line_quote(&line, item->key);
        line_text(&line, "'");
        line_guess(&line, item->key);
        line_text(&line, reader->origin ? "" : " is ignored; help=1 lists the keys");
        if (parser->cut)
            line_hint(&line, parser, item);
    } else {
        line_quote(&line, item->key);
        if (item->has_value) {
            line_text(&line, "=");
            line_quote(&line, item->value);
        }
        line_text(&line, " ");
        line_text(&line, problem);
        line_text(&line, reader->origin ? "" : "; ignored");
    }
    reader->warn(reader->arg, line.text);
}

static bool separates(char c)
{
    return c == ':' || c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_word(const char *at)
{
    while (*at && !separates(*at))
        at++;
    return at;
}

static const char *read_value(const char *at, struct item *item)
{
    char quote = *at;
    if (quote != '\'' && quote != '"') {
        item->value.text = at;
        at = skip_word(at);
        item->value.length = (size_t)(at - item->value.text);
        return at;
    }
    item->value.text = ++at;
    while (*at && *at != quote)
        at++;
    item->value.length = (size_t)(at - item->value.text);
    if (!*at) {
        item->problem = "has no closing quote";
        return at;
    }
    const char *end = skip_word(++at);
    if (end != at)
        item->problem = "goes on after its closing quote";
    return end;
}

static const char *read_item(const char *at, struct item *item)
{
    *item = (struct item){.key.text = at};
    while (*at && *at != '=' && !separates(*at))
        at++;
    item->key.length = (size_t)(at - item->key.text);
    if (*at != '=')
        return at;
    item->has_value = true;
    return read_value(at + 1, item);
}

static const char *set_item(const struct options_reader *reader, struct options *options,
                            const struct item *item)
{
    char key[32];
    const char *problem = options_unknown_key;
    if (item->key.length >= sizeof(key))
        return options_unknown_key;
    memcpy(key, item->key.text, item->key.length);
    key[item->key.length] = '\0';
    if (reader->extra)
        problem = reader->extra(reader->arg, key, item->value.text, item->value.length);
    if (problem == options_unknown_key)
        problem = options_set(options, key, item->value.text, item->value.length);
    return problem;
}

static void apply(struct parser *parser, const struct item *item)
{
    if (!item->has_value &&
        options_list_extend(parser->list_rejected ? NULL : parser->options, parser->list, item->key))
        return;
    const char *problem = item->problem;
    if (!problem && item->has_value)
        problem = set_item(parser->reader, parser->options, item);
    else if (!problem) {
        const struct item empty = {.key = item->key, .value = {"", 0}};
        struct options unused = {.report = 0};
        problem = set_item(parser->reader, &unused, &empty);
        if (problem != options_unknown_key)
            problem = "has no value";
    }
    if (item->has_value) {
        parser->list = options_key_find(item->key);
        parser->list_rejected = problem;
    }
    if (problem)
        complain(parser, item, problem);
}

static const char *cut_value(const struct options_reader *reader, const struct item *item, const char *end)
{
    const char *key = reader->quoted_key;
    return key && slice_is(item->key, key) && *end == ':' && end == item->value.text + item->value.length
               ? item->value.text
               : NULL;
}

void options_parse(struct options *options, const char *text, options_warn_fn *warn, void *arg)
{
    options_read(options, text, &(struct options_reader){.warn = warn, .arg = arg});
}

void options_read(struct options *options, const char *text, const struct options_reader *reader)
{
    struct parser parser = {.options = options, .reader = reader};
    while (text && *text) {
        if (separates(*text)) {
            text++;
            continue;
        }
        struct item item;
        text = read_item(text, &item);
        apply(&parser, &item);
        parser.cut = cut_value(reader, &item, text);
    }
}

static struct slice basename_of(const char *exe)
{
    const char *name = exe && *exe ? exe : "unknown";
    for (const char *at = name; *at; at++)
        if (*at == '/' && at[1])
            name = at + 1;
    return slice_of(name);
}

enum { DIGITS_MAX = 20 }; /* of 64 bits */

static struct slice decimal(long value, char digits[DIGITS_MAX])
{
    size_t at = DIGITS_MAX;
    unsigned long rest = value < 0 ? 0 : (unsigned long)value;
    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    return (struct slice){&digits[at], DIGITS_MAX - at};
}

bool options_expand_path(char *out, size_t size, const char *pattern, long pid, const char *exe)
{
    char digits[DIGITS_MAX] = "";
    size_t length = 0;
    for (const char *at = pattern; *at; at++) {
        struct slice piece = {at, 1};
        if (*at == '%' && (at[1] == 'p' || at[1] == 'h' || at[1] == '%')) {
            at++;
            piece = *at == 'p' ? decimal(pid, digits) : *at == 'h' ? basename_of(exe) : (struct slice){at, 1};
        }
        if (length + piece.length >= size) {
            if (size)
                out[0] = '\0';
            return false;
        }
        memcpy(out + length, piece.text, piece.length);
        length += piece.length;
    }
    if (size)
        out[length] = '\0';
    return size > 0;
}
