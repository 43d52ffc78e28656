#include "ignore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_TYPE "thread:"

struct rule {
    char *text; /* as written: "thread:foo" */
    char *glob; /* matches a whole name; '*' is the only special character */
};

struct ignore {
    struct rule *rules;
    size_t count, capacity;
};

struct ignore *ignore_new(void)
{
    return calloc(1, sizeof(struct ignore));
}

void ignore_free(struct ignore *ignore)
{
    if (!ignore)
        return;
    for (size_t i = 0; i < ignore->count; i++) {
        free(ignore->rules[i].text);
        free(ignore->rules[i].glob);
    }
    free(ignore->rules);
    free(ignore);
}

/* "foo" may be anywhere: "*foo*".  "^foo$" is the whole name: "foo". */
static char *glob_of(const char *pattern)
{
    size_t length = strlen(pattern);
    bool from_start = length && pattern[0] == '^';
    if (from_start) {
        pattern++;
        length--;
    }
    bool to_end = length && pattern[length - 1] == '$';
    if (to_end)
        length--;
    char *glob = NULL;
    if (asprintf(&glob, "%s%.*s%s", from_start ? "" : "*", (int)length, pattern, to_end ? "" : "*") < 0)
        return NULL;
    return glob;
}

static bool add_rule(struct ignore *ignore, const char *text)
{
    if (ignore->count == ignore->capacity) {
        size_t capacity = ignore->capacity ? ignore->capacity * 2 : 16;
        struct rule *rules = realloc(ignore->rules, capacity * sizeof(*rules));
        if (!rules)
            return false;
        ignore->rules = rules;
        ignore->capacity = capacity;
    }
    struct rule rule = {.text = strdup(text), .glob = glob_of(text + strlen(RULE_TYPE))};
    if (!rule.text || !rule.glob) {
        free(rule.text);
        free(rule.glob);
        return false;
    }
    ignore->rules[ignore->count++] = rule;
    return true;
}

static char *trim(char *line)
{
    static const char blanks[] = " \t\r\n\v\f";
    line += strspn(line, blanks);
    size_t length = strlen(line);
    while (length && strchr(blanks, line[length - 1]))
        length--;
    line[length] = '\0';
    return line;
}

/* NULL, or what is wrong with the line. */
static const char *check_rule(const char *text)
{
    if (strncmp(text, RULE_TYPE, strlen(RULE_TYPE)))
        return "is not a rule of the form thread:PATTERN";
    const char *pattern = text + strlen(RULE_TYPE);
    return pattern[strspn(pattern, "^$")]
               ? NULL
               : "has no pattern: it would match every thread ('*' says that aloud)";
}

static bool load_lines(struct ignore *ignore, FILE *file, const char *path, struct error *error)
{
    char *line = NULL;
    size_t size = 0;
    bool loaded = false;
    ssize_t length;
    for (unsigned long number = 1; (errno = 0, length = getline(&line, &size, file)) >= 0; number++) {
        if (memchr(line, 0, (size_t)length)) {
            error_set(error, "%s:%lu: is not text: a file of rules, one thread:PATTERN a line, was expected",
                      path, number);
            goto out;
        }
        char *text = trim(line);
        if (!*text || *text == '#')
            continue;
        const char *problem = check_rule(text);
        if (problem) {
            error_set(error, "%s:%lu: '%.80s' %s", path, number, text, problem);
            goto out;
        }
        if (!add_rule(ignore, text)) {
            error_set(error, "%s: out of memory", path);
            goto out;
        }
    }
    loaded = !ferror(file) && errno != ENOMEM;
    if (!loaded)
        error_set(error, "%s: can not be read: %s", path, strerror(errno));
out:
    free(line);
    return loaded;
}

bool ignore_load(struct ignore *ignore, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        error_set(error, "%s: can not be read: %s", path, strerror(errno));
        return false;
    }
    bool loaded = load_lines(ignore, file, path, error);
    fclose(file);
    return loaded;
}

bool ignore_load_text(struct ignore *ignore, const char *text, const char *origin, struct error *error)
{
    FILE *file = fmemopen((void *)text, strlen(text), "r");
    if (!file) {
        error_set(error, "%s: can not be read: %s", origin, strerror(errno));
        return false;
    }
    bool loaded = load_lines(ignore, file, origin, error);
    fclose(file);
    return loaded;
}

/* Goes back to the latest '*' only: an earlier one never needs another try. */
static bool glob_matches(const char *glob, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name) {
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

static bool frame_matches(const char *glob, const struct frame *frame)
{
    return (frame->function && glob_matches(glob, frame->function)) ||
           (frame->file && glob_matches(glob, frame->file)) ||
           (frame->module && glob_matches(glob, frame->module));
}

const char *ignore_match(const struct ignore *ignore, const struct frame *frames, size_t count)
{
    if (!ignore)
        return NULL;
    for (size_t r = 0; r < ignore->count; r++)
        for (size_t f = 0; f < count; f++)
            if (frame_matches(ignore->rules[r].glob, &frames[f]))
                return ignore->rules[r].text;
    return NULL;
}
