#include "leak/rule_draft.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"

#define CONDITIONS_MAX 8

/* "word:" and no second colon: it would begin a condition. */
static bool is_type(const char *at)
{
    const char *colon = at;
    while (isalpha((unsigned char)*colon) || *colon == '_' || *colon == '-')
        colon++;
    return colon > at && *colon == ':' && colon[1] != ':';
}

static bool needs_star(const char *name, const char *at)
{
    unsigned char c = (unsigned char)*at;
    if (c < ' ' || c == 0x7f || c == '^' || c == '$')
        return true;
    if (c == ' ')
        return at == name || !at[1] || at[1] == '#' || is_type(at + 1);
    return at == name && is_type(at);
}

/* "^name$", with stars for bytes that are special in a pattern, or are not text. False: it has only stars. */
static bool make_pattern(char pattern[DRAFT_PATTERN_MAX + 4], const char *name)
{
    size_t used = 0;
    bool any = false;
    const char *at = name;
    pattern[used++] = '^';
    while (*at && used < DRAFT_PATTERN_MAX - 4) {
        size_t length = character_length(at);
        if (length == 0 || needs_star(name, at)) {
            pattern[used++] = '*';
            at++;
            continue;
        }
        any |= *at != '*';
        memcpy(pattern + used, at, length);
        used += length;
        at += length;
    }
    pattern[used++] = *at ? '*' : '$';
    pattern[used] = '\0';
    return any;
}

bool draft_add(struct draft *draft, const char *type, const char *name)
{
    char pattern[DRAFT_PATTERN_MAX + 4], part[DRAFT_PATTERN_MAX + 20];
    if (!name || !make_pattern(pattern, name))
        return false;
    snprintf(part, sizeof(part), "%s:%s", type, pattern);
    size_t used = strlen(draft->text);
    if (strstr(draft->text, part) || used + strlen(part) > DRAFT_RULE_MAX ||
        draft->conditions == CONDITIONS_MAX)
        return false;
    snprintf(draft->text + used, sizeof(draft->text) - used, "%s%s", used ? " " : "", part);
    draft->conditions++;
    return true;
}

bool draft_add_place(struct draft *draft, const char *type, const struct frame *frame)
{
    char place[DRAFT_PATTERN_MAX];
    if (!frame->module)
        return false;
    int length = snprintf(place, sizeof(place), "%s+0x%llx", path_basename(frame->module),
                          (unsigned long long)frame->offset);
    return length < (int)sizeof(place) && draft_add(draft, type, place);
}
