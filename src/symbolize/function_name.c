#include "symbolize/symbolize.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* ---- its parts ------------------------------------------------------------------------------ */

static bool cut(const char *name, const char **end, const char *word)
{
    size_t length = strlen(word), have = (size_t)(*end - name);
    if (have < length || memcmp(*end - length, word, length) != 0)
        return false;
    *end -= length;
    return true;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool ends_with_operator(const char *name, const char *end)
{
    return cut(name, &end, "operator") && (end == name || !is_word(end[-1]));
}

/* Without " const", " &" and what a compiler adds: " [clone .cold]". */
static const char *without_qualifiers(const char *name)
{
    static const char *const words[] = {" const", " volatile", " &&", " &", " noexcept"};
    const char *clone = strstr(name, " [clone "), *end = clone ? clone : name + strlen(name);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (cut(name, &end, words[i]))
            i = (size_t)-1;
    return end;
}

const char *function_arguments(const char *name)
{
    const char *end = without_qualifiers(name), *at = end;
    int depth = 0;
    if (at == name || at[-1] != ')')
        return NULL;
    do {
        at--;
        depth += (*at == ')') - (*at == '(');
    } while (depth && at > name);
    if (depth || at == name)
        return NULL;
    if (ends_with_operator(name, at))
        return NULL;
    const char *before = at;
    bool of_call = cut(name, &before, "()") && ends_with_operator(name, before); /* "operator()(int)" */
    return at[-1] == ')' && !of_call ? NULL : at;
}

const char *function_past_type(const char *name, const char *end)
{
    const char *start = name;
    int depth = 0;
    for (const char *at = name; at < end; at++) {
        bool arrow = *at == '>' && at > name && at[-1] == '-';
        if (end - at > 8 && memcmp(at, "operator", 8) == 0 && !is_word(at[8]))
            return depth ? name : start; /* its brackets and spaces have another meaning */
        if (strchr("<([{", *at))
            depth++;
        else if (strchr(">)]}", *at) && !arrow)
            depth -= depth > 0;
        else if (*at == ' ' && depth == 0)
            start = at + 1;
    }
    return start;
}

/* ---- shorter -------------------------------------------------------------------------------- */

static const char DOTS[] = "...";
enum { DOTS_LENGTH = sizeof(DOTS) - 1 };

/* The bracket that closes the one at `open`; NULL: none. In round brackets a '<' may be a comparison. */
static const char *closing(const char *open)
{
    int round = 0, angle = 0;
    for (const char *at = open; *at; at++) {
        round += (*at == '(') - (*at == ')');
        if (round < 0)
            return NULL;
        if (round == 0)
            angle += (*at == '<') - (*at == '>' && at[-1] != '-');
        if (round == 0 && (*open == '(' ? *at == ')' : angle == 0))
            return at;
    }
    return NULL;
}

/* Does the bracket begin arguments? Not in "(anonymous namespace)", "<T as Trait>::f", "void (*)(int)". */
static bool opens_arguments(const char *name, const char *at)
{
    if (at == name)
        return false;
    return *at == '<' ? is_word(at[-1]) || at[-1] == ':' : *at == '(' && (is_word(at[-1]) || at[-1] == '>');
}

static bool is_operator(const char *name, const char *at)
{
    return strncmp(at, "operator", 8) == 0 && (at == name || !is_word(at[-1]));
}

/* Works in place, in one pass: the read position is never behind the write position. */
static void leave_out_arguments(char *name)
{
    const char *at = name, *end;
    char *to = name;
    while (*at) {
        size_t length = is_operator(name, at) ? 8 + strspn(at + 8, "<>=-") : 1;
        if (length == 1 && opens_arguments(name, at)) {
            if (!(end = closing(at)))
                break;
            length = (size_t)(end - at);
            if (length > 1 + DOTS_LENGTH) {
                *to++ = *at;
                memcpy(to, DOTS, DOTS_LENGTH);
                to += DOTS_LENGTH;
                at = end;
                continue;
            }
        }
        memmove(to, at, length);
        to += length;
        at += length;
    }
    memmove(to, at, strlen(at) + 1);
}

/* Shortens the last arguments, which are in these brackets, in place. */
static void leave_out_last(char *open, char *close)
{
    if (close - open <= 1 + DOTS_LENGTH)
        return;
    memcpy(open + 1, DOTS, DOTS_LENGTH);
    memmove(open + 1 + DOTS_LENGTH, close, strlen(close) + 1);
}

char *function_shorten(const char *name, size_t width)
{
    const char *begin = name, *arguments = function_arguments(name);
    if (arguments && strlen(name) > width)
        begin = function_past_type(name, arguments);
    char *copy = strdup(begin);
    if (copy && arguments && strlen(copy) > width)
        leave_out_last(copy + (arguments - begin), copy + (without_qualifiers(begin) - begin) - 1);
    if (copy && strlen(copy) > width)
        leave_out_arguments(copy);
    return copy;
}
