#include "suppress/suppress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suppress/rule.h"

#define FILE_BYTES_MAX (16u << 20) /* no file of rules is as large: /dev/zero, a core */

struct ignore *ignore_new(void)
{
    return calloc(1, sizeof(struct ignore));
}

static void drop_rules(struct ignore *ignore, size_t keep)
{
    while (ignore->count > keep)
        rule_free(ignore->rules[--ignore->count]);
}

void ignore_free(struct ignore *ignore)
{
    if (!ignore)
        return;
    drop_rules(ignore, 0);
    for (size_t i = 0; i < ignore->origin_count; i++)
        free(ignore->origins[i]);
    free(ignore->origins);
    free(ignore->rules);
    free(ignore);
}

void ignore_allow_match_all(struct ignore *ignore, bool allow)
{
    ignore->match_all = allow;
}

bool ignore_allows_match_all(const struct ignore *ignore)
{
    return ignore && ignore->match_all;
}

size_t ignore_count(const struct ignore *ignore)
{
    return ignore ? ignore->count : 0;
}

const struct ignore_rule *ignore_rule_at(const struct ignore *ignore, size_t index)
{
    return &ignore->rules[index]->shown;
}

/* ---- a text ---------------------------------------------------------------------------- */

static bool add_rule(struct ignore *ignore, struct rule *rule)
{
    /* A power of two is full. */
    if ((ignore->count & (ignore->count - 1)) == 0) {
        size_t capacity = ignore->count ? ignore->count * 2 : 1;
        struct rule **rules = realloc(ignore->rules, capacity * sizeof(*rules));
        if (!rules)
            return false;
        ignore->rules = rules;
    }
    ignore->rules[ignore->count++] = rule;
    return true;
}

static const char *keep_origin(struct ignore *ignore, const char *origin)
{
    char **origins = realloc(ignore->origins, (ignore->origin_count + 1) * sizeof(*origins));
    if (!origins)
        return NULL;
    ignore->origins = origins;
    char *copy = strdup(origin);
    if (copy)
        origins[ignore->origin_count++] = copy;
    return copy;
}

static bool add_line(struct ignore *ignore, const char *line, size_t length, const struct ignore_rule *as,
                     struct error *error)
{
    struct rule *rule = NULL;
    struct rule_error wrong;
    enum line_is is = rule_parse(line, length, ignore->match_all, &rule, &wrong);
    switch (is) {
    case LINE_EMPTY:
        return true;
    case LINE_WRONG:
        error_set(error, "%.200s:%u:%zu: %s", as->origin, as->line, wrong.column, wrong.text);
        return false;
    case LINE_RULE:
        rule->shown.origin = as->origin;
        rule->shown.line = as->line;
        rule->shown.source = as->source;
        if (add_rule(ignore, rule))
            return true;
        rule_free(rule);
        break;
    case LINE_NO_MEMORY:
        break;
    }
    error_set(error, "%.200s: out of memory", as->origin);
    return false;
}

bool ignore_add_text(struct ignore *ignore, const struct ignore_source_text *from, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark, as Windows' editors leave it */
    size_t before = ignore->count;
    const char *at = from->text, *end = at + from->length;
    struct ignore_rule as = {.origin = keep_origin(ignore, from->origin), .source = from->source};
    if (!as.origin) {
        error_set(error, "%.200s: out of memory", from->origin);
        return false;
    }
    if (from->length >= strlen(mark) && memcmp(at, mark, strlen(mark)) == 0)
        at += strlen(mark);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        size_t length = (size_t)(stop - at);
        as.line++;
        if (length && at[length - 1] == '\r')
            length--;
        if (!add_line(ignore, at, length, &as, error)) {
            drop_rules(ignore, before);
            return false;
        }
        at = newline ? newline + 1 : end;
    }
    return true;
}

bool ignore_load_text(struct ignore *ignore, const char *text, const char *origin, struct error *error)
{
    const struct ignore_source_text from = {text, strlen(text), origin, IGNORE_PROGRAM};
    return ignore_add_text(ignore, &from, error);
}

/* ---- files ------------------------------------------------------------------------------- */

/* A pipe (<(…) of a shell) is as good as a file.  NULL with errno. */
static char *read_all(int fd, size_t *length)
{
    char *text = NULL;
    size_t capacity = 0;
    *length = 0;
    for (;;) {
        if (*length == capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            char *grown = capacity <= FILE_BYTES_MAX ? realloc(text, capacity) : NULL;
            if (!grown) {
                errno = capacity <= FILE_BYTES_MAX ? ENOMEM : EFBIG;
                break;
            }
            text = grown;
        }
        ssize_t n = read(fd, text + *length, capacity - *length);
        if (n == 0)
            return text;
        if (n < 0 && errno != EINTR)
            break;
        *length += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    free(text);
    errno = why;
    return NULL;
}

static bool load_file(struct ignore *ignore, const char *path, enum ignore_source source, struct error *error)
{
    size_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text = fd >= 0 ? read_all(fd, &length) : NULL;
    bool loaded = false;
    if (!text) {
        error_set(error, "%s: can not be read: %s", path, strerror(errno));
    } else {
        const struct ignore_source_text from = {text, length, path, source};
        loaded = ignore_add_text(ignore, &from, error);
    }
    free(text);
    if (fd >= 0)
        close(fd);
    return loaded;
}

bool ignore_load(struct ignore *ignore, const char *path, struct error *error)
{
    return load_file(ignore, path, IGNORE_USER, error);
}

static int is_rules_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".supp") == 0;
}

/* Not alphasort: which rule comes first must not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool ignore_load_folder(struct ignore *ignore, const char *folder, struct error *error)
{
    struct dirent **entries;
    size_t before = ignore->count;
    int count = scandir(folder, &entries, is_rules_file, compare_names);
    bool loaded = true;
    if (count < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return true;
        error_set(error, "%s: can not be read: %s", folder, strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (loaded && (length < 0 || (size_t)length >= sizeof(path))) {
            error_set(error, "%.200s: %s", folder, strerror(ENAMETOOLONG));
            loaded = false;
        }
        loaded = loaded && load_file(ignore, path, IGNORE_SHIPPED, error);
        free(entries[i]);
    }
    free(entries);
    if (!loaded)
        drop_rules(ignore, before);
    return loaded;
}
