#include "suppress/suppress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "suppress/rule.h"

#define FILE_BYTES_MAX (16u << 20) /* larger files are not rules: /dev/zero, a core file */

struct suppressions *suppressions_new(void)
{
    return calloc(1, sizeof(struct suppressions));
}

static void drop_rules(struct suppressions *suppressions, size_t keep)
{
    while (suppressions->count > keep)
        rule_free(suppressions->rules[--suppressions->count]);
}

void suppressions_free(struct suppressions *suppressions)
{
    if (!suppressions)
        return;
    drop_rules(suppressions, 0);
    for (size_t i = 0; i < suppressions->origin_count; i++)
        free(suppressions->origins[i]);
    free(suppressions->origins);
    free(suppressions->rules);
    free(suppressions);
}

void suppressions_allow_match_all(struct suppressions *suppressions, bool allow)
{
    suppressions->match_all = allow;
}

bool suppressions_allow_match_all_set(const struct suppressions *suppressions)
{
    return suppressions && suppressions->match_all;
}

size_t suppressions_rule_count(const struct suppressions *suppressions)
{
    return suppressions ? suppressions->count : 0;
}

const struct suppression_rule *suppressions_rule_at(const struct suppressions *suppressions, size_t index)
{
    return &suppressions->rules[index]->shown;
}

/* ---- a text ---------------------------------------------------------------------------- */

static bool add_rule(struct suppressions *suppressions, struct rule *rule)
{
    if (!ARRAY_GROW(suppressions->rules, suppressions->count))
        return false;
    suppressions->rules[suppressions->count++] = rule;
    return true;
}

static const char *keep_origin(struct suppressions *suppressions, const char *origin)
{
    if (!ARRAY_GROW(suppressions->origins, suppressions->origin_count))
        return NULL;
    char *copy = strdup(origin);
    if (copy)
        suppressions->origins[suppressions->origin_count++] = copy;
    return copy;
}

static bool add_line(struct suppressions *suppressions, const char *line, size_t length,
                     const struct suppression_rule *as, struct error *error)
{
    struct rule *rule = NULL;
    struct rule_error wrong;
    enum line_is is = rule_parse(line, length, suppressions->match_all, &rule, &wrong);
    switch (is) {
    case LINE_EMPTY:
        return true;
    case LINE_WRONG:
        return error_set(error, "%.200s:%u:%zu: %s", as->origin, as->line, wrong.column, wrong.text);
    case LINE_RULE:
        rule->shown.origin = as->origin;
        rule->shown.line = as->line;
        rule->shown.source = as->source;
        if (add_rule(suppressions, rule))
            return true;
        rule_free(rule);
        break;
    case LINE_NO_MEMORY:
        break;
    }
    return error_set(error, "%.200s: out of memory", as->origin);
}

bool suppressions_add_text(struct suppressions *suppressions, const struct rule_text *from,
                           struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* UTF-8 byte order mark, which editors on Windows write */
    size_t before = suppressions->count;
    const char *at = from->text, *end = at + from->length;
    struct suppression_rule as = {.origin = keep_origin(suppressions, from->origin), .source = from->source};
    if (!as.origin)
        return error_set(error, "%.200s: out of memory", from->origin);
    if (from->length >= strlen(mark) && memcmp(at, mark, strlen(mark)) == 0)
        at += strlen(mark);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        size_t length = (size_t)(stop - at);
        as.line++;
        if (length && at[length - 1] == '\r')
            length--;
        if (!add_line(suppressions, at, length, &as, error)) {
            drop_rules(suppressions, before);
            return false;
        }
        at = newline ? newline + 1 : end;
    }
    return true;
}

bool suppressions_load_text(struct suppressions *suppressions, const char *text, const char *origin,
                            struct error *error)
{
    const struct rule_text from = {text, strlen(text), origin, SUPPRESSION_PROGRAM};
    return suppressions_add_text(suppressions, &from, error);
}

/* ---- files ------------------------------------------------------------------------------- */

static bool load_file(struct suppressions *suppressions, const char *path, enum suppression_source source,
                      struct error *error)
{
    size_t length = 0;
    char *text = input_read(path, FILE_BYTES_MAX, &length, error);
    if (!text)
        return false;
    const struct rule_text from = {text, length, path, source};
    bool loaded = suppressions_add_text(suppressions, &from, error);
    free(text);
    return loaded;
}

bool suppressions_load(struct suppressions *suppressions, const char *path, struct error *error)
{
    return load_file(suppressions, path, SUPPRESSION_USER, error);
}

static int is_rules_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".supp") == 0;
}

/* Not alphasort, because the order of rules must not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool suppressions_load_directory(struct suppressions *suppressions, const char *directory,
                                 struct error *error)
{
    struct dirent **entries;
    size_t before = suppressions->count;
    int count = scandir(directory, &entries, is_rules_file, compare_names);
    bool loaded = true;
    if (count < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return true;
        return error_set(error, "%s: cannot be read: %s", directory, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        if (loaded && (length < 0 || (size_t)length >= sizeof(path))) {
            error_set(error, "%.200s: %s", directory, strerror(ENAMETOOLONG));
            loaded = false;
        }
        loaded = loaded && load_file(suppressions, path, SUPPRESSION_SHIPPED, error);
        free(entries[i]);
    }
    free(entries);
    if (!loaded)
        drop_rules(suppressions, before);
    return loaded;
}
