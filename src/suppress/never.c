/* Finds known mistakes: well-formed patterns that no name can match. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "suppress/rule.h"

static bool is_separator(char c)
{
    return c == ',' || c == ';' || c == ' ' || c == '\t';
}

/* ",kind:running", " kind=running": probably a condition.  No name of C, C++ or Rust has a word and a single
 * ':' there. */
static const char *find_glued(const struct pattern_text *pattern, char *why, size_t size)
{
    for (const char *at = pattern->body + 1; at < pattern->end; at++) {
        size_t length = 0;
        while (at + length < pattern->end && isalpha((unsigned char)at[length]))
            length++;
        const char *after = at + length;
        if (!is_separator(at[-1]) || part_type_of(at, length) == PART_TYPES || after == pattern->end)
            continue;
        if (*after == '=') {
            snprintf(why, size, "'%.*s=' begins no condition; use '%.*s:', or write * for a '=' of the name",
                     (int)length, at, (int)length, at);
            return at;
        }
        if (*after == ':' && !(after + 1 < pattern->end && after[1] == ':')) {
            snprintf(why, size,
                     "'%c' before '%.*s:': separate conditions by blanks, or write * for a '%c' of the name",
                     at[-1], (int)length, at, at[-1]);
            return at - 1;
        }
    }
    return NULL;
}

/* "worker, kind:running"; but "pair<int," and "f(int," are beginnings of names. */
static const char *find_comma_at_end(const struct pattern_text *pattern, char *why, size_t size)
{
    const char *last = pattern->end - 1;
    size_t length = (size_t)(last - pattern->body);
    bool in_brackets = memchr(pattern->body, '<', length) || memchr(pattern->body, '(', length);
    if (pattern->to_end || (*last != ',' && *last != ';'))
        return NULL;
    if (!pattern->more && (in_brackets || !(rule_types[pattern->type].flags & TYPE_FUNCTION)))
        return NULL;
    snprintf(why, size,
             "'%c' at the end of a pattern: separate conditions by blanks, or write * for a '%c' of the name",
             *last, *last);
    return last;
}

/* "pool.c:12", a place as in reports. */
static const char *find_line_number(const struct pattern_text *pattern, char *why, size_t size)
{
    const char *colon = pattern->end;
    while (colon > pattern->body && isdigit((unsigned char)colon[-1]))
        colon--;
    if (colon == pattern->end || colon == pattern->body || *--colon != ':' ||
        !(rule_types[pattern->type].flags & TYPE_FUNCTION))
        return NULL;
    const char *suffix = colon;
    while (suffix > pattern->body && isalpha((unsigned char)suffix[-1]))
        suffix--;
    if (suffix == colon || suffix == pattern->body || suffix[-1] != '.')
        return NULL;
    snprintf(why, size, "would never match: a rule names functions and files, not lines");
    return colon;
}

static const char *find_long_name(const struct pattern_text *pattern, char *why, size_t size)
{
    size_t length = 0;
    for (const char *at = pattern->body; at < pattern->end; at++)
        length += *at != '*';
    const struct rule_type *type = &rule_types[pattern->type];
    if (!type->longest || length <= type->longest)
        return NULL;
    snprintf(why, size, "would never match: %s has at most %zu bytes", type->shown.help, type->longest);
    return pattern->body;
}

const char *pattern_never_matches(const struct pattern_text *pattern, char *why, size_t size)
{
    const char *at = NULL;
    if (!pattern->from_start || !pattern->to_end) /* a whole name may contain anything */
        at = find_glued(pattern, why, size);
    if (!at)
        at = find_comma_at_end(pattern, why, size);
    if (!at)
        at = find_line_number(pattern, why, size);
    return at ? at : find_long_name(pattern, why, size);
}
