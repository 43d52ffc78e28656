/* From a line to a rule, or to what is wrong with it. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suppress/rule.h"
#include "common/options.h"

#define FIRST_TYPES "thread:, start:, name:, module:, top: or any:"
#define ALL_TYPES "thread:, start:, name:, module:, top:, any:, waiting:, kind: or process:"

static const char *const type_names[PART_TYPES] = {"thread", "start",   "name", "module", "top",
                                                   "any",    "waiting", "kind", "process"};

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

/* How long the word is that a single ':' follows here; 0: there is none ("std::" is no type). */
static size_t type_length(const struct parser *parser, const char *at)
{
    const char *colon = at;
    while (colon < parser->end && (isalpha((unsigned char)*colon) || *colon == '_' || *colon == '-'))
        colon++;
    bool single =
        colon > at && colon < parser->end && *colon == ':' && (colon + 1 == parser->end || colon[1] != ':');
    return single ? (size_t)(colon - at) : 0;
}

enum part_type part_type_of(const char *name, size_t length)
{
    for (int type = 0; type < PART_TYPES; type++)
        if (length == strlen(type_names[type]) && memcmp(name, type_names[type], length) == 0)
            return (enum part_type)type;
    return PART_TYPES;
}

static bool is_condition_alone(enum part_type type)
{
    return type == PART_WAITING || type == PART_KIND || type == PART_PROCESS;
}

/* ---- lists: waiting:, kind: ------------------------------------------------------------------ */

static unsigned waiting_bit(const char *name, size_t length)
{
    _Static_assert(WAIT_KINDS <= 32, "part.bits has one bit for each");
    for (int on = WAIT_NONE + 1; on < WAIT_KINDS; on++) {
        const char *known = wait_on_name((enum wait_on)on);
        if (length == strlen(known) && memcmp(name, known, length) == 0)
            return 1u << on;
    }
    return 0;
}

static unsigned kind_bit(const char *name, size_t length)
{
    static const struct {
        const char *name;
        unsigned bit;
    } kinds[] = {{"running", KIND_RUNNING}, {"detached", KIND_DETACHED}, {"unjoined", KIND_UNJOINED}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (length == strlen(kinds[i].name) && memcmp(name, kinds[i].name, length) == 0)
            return kinds[i].bit;
    return 0;
}

/* "condvar, mutex, …" */
static void list_waits(char *to, size_t size)
{
    size_t used = 0;
    for (int on = WAIT_NONE + 1; on < WAIT_KINDS && used < size; on++)
        used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "",
                                 wait_on_name((enum wait_on)on));
}

static enum line_is parse_list(struct parser *parser, struct part *part, const char *end)
{
    bool is_kind = part->type == PART_KIND;
    const char *item = parser->at;
    for (;;) {
        const char *comma = memchr(item, ',', (size_t)(end - item)), *stop = comma ? comma : end;
        size_t length = (size_t)(stop - item);
        unsigned bit = is_kind ? kind_bit(item, length) : waiting_bit(item, length);
        char names[200] = "running, detached, unjoined";
        if (!is_kind)
            list_waits(names, sizeof(names));
        if (!bit)
            return wrong(parser, item, "%s '%.*s': one of %s was expected",
                         is_kind ? "unknown kind" : "unknown thing to wait for",
                         (int)(length < 40 ? length : 40), item, names);
        part->bits |= bit;
        if (!comma)
            return LINE_RULE;
        item = comma + 1;
    }
}

/* ---- patterns ------------------------------------------------------------------------------- */

/* "foo" may be anywhere: "*foo*".  "^foo$" is the whole name: "foo". */
static enum line_is parse_pattern(struct parser *parser, struct part *part, const char *end)
{
    const char *at = parser->at, *last = end - 1, *name = type_names[part->type];
    bool from_start = *at == '^', to_end = last > at && *last == '$';
    const char *body = at + from_start;
    size_t length = (size_t)(end - to_end - body);
    if (!length || (length == 1 && *body == '$'))
        return wrong(parser, at, "%s:%.*s has no pattern: it would match every thread", name, (int)(end - at),
                     at);
    for (const char *c = body; c < body + length; c++)
        if (*c == '^' || *c == '$')
            return wrong(parser, c,
                         "'%c' stands for the %s of a name, so it cannot be inside of a pattern; "
                         "write * for a '%c' of the name",
                         *c, *c == '^' ? "beginning" : "end", *c);
    size_t word = type_length(parser, body);
    if (word && part_type_of(body, word) != PART_TYPES)
        return wrong(parser, body, "'%.*s:' directly after '%s:': a pattern was expected", (int)word, body,
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

/* Where the next condition begins, or the rule ends. */
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

static enum line_is check_type(const struct parser *parser, size_t length, enum part_type type)
{
    bool first = parser->rule->part_count == 0;
    int shown = (int)(length < 40 ? length : 40);
    if (!length)
        return wrong(parser, parser->at, "a rule begins with its type: " FIRST_TYPES " was expected");
    if (type == PART_TYPES)
        return wrong(parser, parser->at, "unknown type '%.*s:': %s was expected%s", shown, parser->at,
                     first ? FIRST_TYPES : ALL_TYPES,
                     first ? "" : "; if it is part of a name, write * for the blank before it");
    if (first && is_condition_alone(type))
        return wrong(parser, parser->at,
                     "'%s:' is a condition: it stands after " FIRST_TYPES " with a pattern",
                     type_names[type]);
    if ((type == PART_WAITING || type == PART_KIND) && find_part(parser->rule, type))
        return wrong(parser, parser->at, "'%s:' for the second time: write %s:A,B for one of several",
                     type_names[type], type_names[type]);
    if (parser->rule->part_count == RULE_PARTS_MAX)
        return wrong(parser, parser->at, "more than %d conditions", RULE_PARTS_MAX - 1);
    return LINE_RULE;
}

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
        return wrong(parser, parser->at, "'%s:' has no pattern", type_names[type]);
    parser->rule->part_count++;
    is = type == PART_WAITING || type == PART_KIND ? parse_list(parser, part, end)
                                                   : parse_pattern(parser, part, end);
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
    if (kind && kind->bits == KIND_UNJOINED &&
        (find_part(rule, PART_TOP) || find_part(rule, PART_ANY) || find_part(rule, PART_WAITING)))
        return wrong(parser, start,
                     "would never match: an unjoined thread has ended, so it has no top:, any: or waiting:");
    for (size_t i = 0; i < rule->part_count; i++)
        if (match_all || !part_matches_all(&rule->parts[i]))
            return LINE_RULE;
    return wrong(parser, start, "would match every thread; --allow-match-all if that is meant");
}

/* Not text, or more than a rule can be. */
static enum line_is check_bytes(const struct parser *parser)
{
    if (parser->end - parser->line > RULE_LINE_MAX)
        return wrong(parser, parser->line + RULE_LINE_MAX, "line is longer than %d bytes", RULE_LINE_MAX);
    for (const char *at = parser->line; at < parser->end; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return wrong(parser, at, "byte 0x%02x is not text: rules were expected, one a line",
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
