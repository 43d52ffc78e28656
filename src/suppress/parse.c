/* Parses one line. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/guess.h"
#include "suppress/rule.h"
#include "suppress/words.h"

struct parser {
    const char *line, *at, *end; /* end: of the rule, without its comment */
    struct rule *rule;
    struct rule_error *error;
};

static __attribute__((format(printf, 3, 4))) enum line_is wrong(const struct parser *parser,
                                                                const char *where, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->error->text, sizeof(parser->error->text), format, arguments);
    va_end(arguments);
    parser->error->column = (size_t)(where - parser->line) + 1;
    return LINE_WRONG;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct parser *parser)
{
    while (parser->at < parser->end && is_blank(*parser->at))
        parser->at++;
}

/* ---- types -------------------------------------------------------------------------------- */

/* Length of a word before a single ':' here; 0: there is none ("std::" is not a type). */
static size_t type_length(const struct parser *parser, const char *at)
{
    const char *colon = at;
    while (colon < parser->end && (isalpha((unsigned char)*colon) || *colon == '_' || *colon == '-'))
        colon++;
    bool single =
        colon > at && colon < parser->end && *colon == ':' && (colon + 1 == parser->end || colon[1] != ':');
    return single ? (size_t)(colon - at) : 0;
}

static const char *type_name(enum part_type type)
{
    return rule_types[type].shown.name;
}

/* "thread:, start: or name:", of the types that have this flag; 0: all. */
static const char *list_types(unsigned flag, char *text, size_t size)
{
    enum part_type last = PART_TYPES;
    size_t used = 0, before_last = 0;
    for (int type = 0; type < PART_TYPES && used < size; type++) {
        if ((rule_types[type].flags & flag) != flag)
            continue;
        const char *between = last == PART_TYPES ? "" : ", ";
        before_last = used;
        last = (enum part_type)type;
        used += (size_t)snprintf(text + used, size - used, "%s%s:", between, type_name(last));
    }
    if (before_last)
        snprintf(text + before_last, size - before_last, " or %s:", type_name(last));
    return text;
}

/* ---- lists: waiting:, kind:, finding: ------------------------------------------------------------------ */

static enum line_is parse_words(struct parser *parser, struct part *part, const char *end,
                                const struct words *words)
{
    char why[sizeof(parser->error->text)];
    const char *unknown = words_unknown(words, parser->at, end, &part->bits, why, sizeof(why));
    return unknown ? wrong(parser, unknown, "%s", why) : LINE_RULE;
}

static enum line_is parse_waits(struct parser *parser, struct part *part, const char *end)
{
    return parse_words(parser, part, end, &words_of_waits);
}

static enum line_is parse_kinds(struct parser *parser, struct part *part, const char *end)
{
    return parse_words(parser, part, end, &words_of_kinds);
}

static enum line_is parse_findings(struct parser *parser, struct part *part, const char *end)
{
    return parse_words(parser, part, end, &words_of_findings);
}

/* ---- patterns ------------------------------------------------------------------------------- */

/* "foo" may be anywhere: "*foo*".  "^foo$" is the whole name: "foo". */
static enum line_is parse_pattern(struct parser *parser, struct part *part, const char *end)
{
    const char *at = parser->at, *last = end - 1, *name = type_name(part->type);
    bool from_start = *at == '^', to_end = last > at && *last == '$';
    const char *body = at + from_start;
    size_t length = (size_t)(end - to_end - body);
    if (!length || (length == 1 && *body == '$'))
        return wrong(parser, at, "%s:%.*s has no pattern: it would match every thread", name, (int)(end - at),
                     at);
    for (const char *c = body; c < body + length; c++)
        if (*c == '^' || *c == '$')
            return wrong(parser, c,
                         "'%c' means the %s of a name, so it cannot be inside a pattern; write * for a '%c' "
                         "of the name",
                         *c, *c == '^' ? "beginning" : "end", *c);
    size_t word = type_length(parser, body);
    if (word && part_type_of(body, word) != PART_TYPES)
        return wrong(parser, body, "'%.*s:' directly after '%s:'; write a pattern there", (int)word, body,
                     name);
    char why[160];
    const struct pattern_text text = {.type = part->type,
                                      .body = body,
                                      .end = body + length,
                                      .from_start = from_start,
                                      .to_end = to_end,
                                      .more = end < parser->end};
    const char *never = pattern_never_matches(&text, why, sizeof(why));
    if (never)
        return wrong(parser, never, "%s", why);
    if (asprintf(&part->glob, "%s%.*s%s", from_start ? "" : "*", (int)length, body, to_end ? "" : "*") < 0) {
        part->glob = NULL;
        return LINE_NO_MEMORY;
    }
    return LINE_RULE;
}

/* The beginning of the next condition, or the end of the rule. */
static const char *end_of_pattern(const struct parser *parser)
{
    for (const char *at = parser->at; at < parser->end; at++)
        if (is_blank(at[-1]) && type_length(parser, at))
            return at;
    return parser->end;
}

/* ---- parts ---------------------------------------------------------------------------------- */

static const struct part *find_part(const struct rule *rule, enum part_type type)
{
    for (size_t i = 0; i < rule->part_count; i++)
        if (rule->parts[i].type == type)
            return &rule->parts[i];
    return NULL;
}

/* " (did you mean thread:)", or "". */
static const char *guess_type(const char *word, size_t length, unsigned flag, char *text, size_t size)
{
    struct guess guess = {.word = {word, length}};
    for (int type = 0; type < PART_TYPES; type++)
        if ((rule_types[type].flags & flag) == flag)
            guess_try(&guess, type_name(type));
    text[0] = '\0';
    if (guess.best)
        snprintf(text, size, " (did you mean %s:)", guess.best);
    return text;
}

static enum line_is check_type(const struct parser *parser, size_t length, enum part_type type)
{
    bool first = parser->rule->part_count == 0;
    unsigned flag = first ? TYPE_FIRST : 0;
    char types[100], guess[64];
    list_types(flag, types, sizeof(types));
    if (!length)
        return wrong(parser, parser->at, "a rule begins with its type; use %s", types);
    if (type == PART_TYPES)
        return wrong(parser, parser->at, "unknown type '%.*s:'%s; use %s%s", (int)(length < 40 ? length : 40),
                     parser->at, guess_type(parser->at, length, flag, guess, sizeof(guess)), types,
                     first ? "" : "; if it is part of a name, write * for the blank before it");
    const char *name = type_name(type);
    unsigned flags = rule_types[type].flags;
    if (first && !(flags & TYPE_FIRST))
        return wrong(parser, parser->at, "'%s:' is only a condition; begin the rule with %s and a pattern",
                     name, types);
    if (flags & TYPE_LIST && find_part(parser->rule, type))
        return wrong(parser, parser->at, "'%s:' for the second time; write %s:A,B for one of several", name,
                     name);
    if (parser->rule->part_count == RULE_PARTS_MAX)
        return wrong(parser, parser->at, "more than %d conditions", RULE_PARTS_MAX - 1);
    return LINE_RULE;
}

static enum line_is (*const parse_functions[PART_TYPES])(struct parser *, struct part *, const char *) = {
#define RULE_TYPE(id, name, flags, longest, parse, of_site, of_thread, help) [PART_##id] = parse,
#include "suppress/types.def"
};

static enum line_is parse_part(struct parser *parser)
{
    size_t length = type_length(parser, parser->at);
    enum part_type type = part_type_of(parser->at, length);
    enum line_is is = check_type(parser, length, type);
    if (is != LINE_RULE || type == PART_TYPES)
        return is;
    struct part *part = &parser->rule->parts[parser->rule->part_count];
    part->type = type;
    parser->at += length + 1;
    skip_blanks(parser);
    const char *next = end_of_pattern(parser), *end = next;
    while (end > parser->at && is_blank(end[-1]))
        end--;
    if (end == parser->at)
        return wrong(parser, parser->at, "'%s:' has no pattern", type_name(type));
    parser->rule->part_count++;
    is = parse_functions[type](parser, part, end);
    parser->at = next;
    return is;
}

/* ---- the whole rule ---------------------------------------------------------------------------- */

static bool part_matches_all(const struct part *part)
{
    if (part->type == PART_KIND)
        return part->bits == KIND_ALL;
    return part->glob &&
           !part->glob[strspn(part->glob, "*/.")]; /* every path has a slash, and nearly each a dot */
}

static enum line_is check_rule(const struct parser *parser, const char *start, bool match_all)
{
    const struct rule *rule = parser->rule;
    const struct part *kind = find_part(rule, PART_KIND);
    bool unjoined = kind && kind->bits == KIND_UNJOINED, every = true;
    char types[100];
    for (size_t i = 0; i < rule->part_count; i++) {
        if (unjoined && rule_types[rule->parts[i].type].flags & TYPE_CURRENT)
            return wrong(parser, start, "would never match: an unjoined thread has ended, so it has no %s",
                         list_types(TYPE_CURRENT, types, sizeof(types)));
        every = every && part_matches_all(&rule->parts[i]);
    }
    if (every && !match_all)
        return wrong(parser, start, "would match every thread; allow that with --allow-match-all");
    return LINE_RULE;
}

/* Rejects lines that are not text or too long. */
static enum line_is check_bytes(const struct parser *parser)
{
    if (parser->end - parser->line > RULE_LINE_MAX)
        return wrong(parser, parser->line + RULE_LINE_MAX, "line is longer than %d bytes", RULE_LINE_MAX);
    for (const char *at = parser->line; at < parser->end; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return wrong(parser, at, "byte 0x%02x is not text; a file of rules has one a line",
                         (unsigned)(unsigned char)*at);
    return LINE_RULE;
}

static void cut_comment(struct parser *parser)
{
    for (const char *at = parser->at; at < parser->end; at++)
        if (*at == '#' && (at == parser->at || is_blank(at[-1]))) {
            parser->end = at;
            break;
        }
    while (parser->end > parser->at && is_blank(parser->end[-1]))
        parser->end--;
}

static enum line_is parse_rule(struct parser *parser, bool match_all)
{
    const char *start = parser->at;
    while (parser->at < parser->end) {
        enum line_is is = parse_part(parser);
        if (is != LINE_RULE)
            return is;
    }
    parser->rule->shown.text = strndup(start, (size_t)(parser->end - start));
    parser->rule->shown.label = parser->rule->shown.text;
    return parser->rule->shown.text ? check_rule(parser, start, match_all) : LINE_NO_MEMORY;
}

enum line_is rule_parse(const char *line, size_t length, bool match_all, struct rule **rule,
                        struct rule_error *error)
{
    struct parser parser = {.line = line, .at = line, .end = line + length, .error = error};
    enum line_is is = check_bytes(&parser);
    if (is != LINE_RULE)
        return is;
    skip_blanks(&parser);
    cut_comment(&parser);
    if (parser.at == parser.end)
        return LINE_EMPTY;
    parser.rule = calloc(1, sizeof(*parser.rule));
    if (!parser.rule)
        return LINE_NO_MEMORY;
    is = parse_rule(&parser, match_all);
    if (is == LINE_RULE)
        *rule = parser.rule;
    else
        rule_free(parser.rule);
    return is;
}

void rule_free(struct rule *rule)
{
    if (!rule)
        return;
    for (size_t i = 0; i < rule->part_count; i++)
        free(rule->parts[i].glob);
    if (rule->shown.label != rule->shown.text)
        free((char *)rule->shown.label);
    free((char *)rule->shown.text);
    free(rule);
}
