/* Names, and patterns for them. */
#include <ctype.h>
#include <string.h>

#include "ignore_rule.h"

/* Goes back to the latest '*' only: an earlier one never needs another try. */
static bool matches_range(const char *glob, const char *name, const char *end)
{
    const char *star = NULL, *resume = NULL;
    while (name < end) {
        if (*glob == '*') {
            star = glob++;
            resume = name;
        } else if (*glob == *name) {
            glob++;
            name++;
        } else if (star) {
            glob = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

bool glob_matches(const char *glob, const char *name)
{
    return matches_range(glob, name, name + strlen(name));
}

/* ---- C++ ------------------------------------------------------------------------------------ */

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

/*
 * Where the arguments begin: the last bracket's beginning.  NULL: it has none, as in C and Rust, or
 * they are those of what a function returns ("void (*f(int))(char)"), or of operator() itself.
 */
static const char *arguments_of(const char *name)
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

/* Templates have the type that they return before their name: "void f<int>". */
static const char *past_type(const char *name, const char *end)
{
    const char *start = name;
    int depth = 0;
    for (const char *at = name; at < end; at++) {
        bool arrow = *at == '>' && at > name && at[-1] == '-';
        if (end - at > 8 && memcmp(at, "operator", 8) == 0 && !is_word(at[8]))
            return name; /* its brackets and blanks mean something else */
        if (strchr("<([{", *at))
            depth++;
        else if (strchr(">)]}", *at) && !arrow)
            depth -= depth > 0;
        else if (*at == ' ' && depth == 0)
            start = at + 1;
    }
    return start;
}

bool glob_matches_function(const char *glob, const char *function)
{
    if (glob_matches(glob, function))
        return true;
    const char *arguments = strchr(glob, '(') ? NULL : arguments_of(function);
    if (!arguments)
        return false;
    const char *name = past_type(function, arguments);
    return matches_range(glob, function, arguments) ||
           (name != function && matches_range(glob, name, arguments));
}
