#include "leak/test_environment.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ledger_test.h"

/* The value of a variable, for "%.*s". */
struct value {
    int length;
    const char *text;
};

/* False: it is not set, or empty. */
static bool find(const char *variables, const char *name, struct value *value)
{
    size_t length = strlen(name);
    for (const char *line = variables; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, name, length) != 0 || line[length] != '=')
            continue;
        value->text = line + length + 1;
        value->length = (int)strcspn(value->text, "\n");
        return value->length > 0;
    }
    return false;
}

static char *print(const char *format, ...)
{
    char *name = NULL;
    va_list list;
    va_start(list, format);
    if (vasprintf(&name, format, list) < 0)
        name = NULL;
    va_end(list);
    return name;
}

/* Keeps "(setup)" and "(teardown)", which mean a fixture. */
static char *pytest(const char *variables)
{
    static const char call[] = " (call)";
    struct value test;
    int tail = (int)sizeof(call) - 1;
    if (!find(variables, "PYTEST_CURRENT_TEST", &test))
        return NULL;
    if (test.length > tail && memcmp(test.text + test.length - tail, call, (size_t)tail) == 0)
        test.length -= tail;
    return print("%.*s", test.length, test.text);
}

static char *bats(const char *variables)
{
    struct value file, function, description;
    if (!find(variables, "BATS_TEST_FILENAME", &file) || !find(variables, "BATS_TEST_NAME", &function))
        return NULL;
    if (find(variables, "BATS_TEST_DESCRIPTION", &description))
        function = description;
    const char *slash = memrchr(file.text, '/', (size_t)file.length);
    int directory = slash ? (int)(slash - file.text) + 1 : 0;
    return print("%.*s: %.*s", file.length - directory, file.text + directory, function.length,
                 function.text);
}

static char *nextest(const char *variables)
{
    struct value binary, test;
    if (!find(variables, "NEXTEST_BINARY_ID", &binary) || !find(variables, "NEXTEST_TEST_NAME", &test))
        return NULL;
    return print("%.*s %.*s", binary.length, binary.text, test.length, test.text);
}

static char *scrut(const char *variables)
{
    struct value test;
    return find(variables, "SCRUT_TEST", &test) ? print("%.*s", test.length, test.text) : NULL;
}

/* A label begins with // or @. */
static char *bazel(const char *variables)
{
    struct value target, sources;
    if (!find(variables, "TEST_TARGET", &target) || !find(variables, "TEST_SRCDIR", &sources) ||
        (strncmp(target.text, "//", 2) != 0 && *target.text != '@'))
        return NULL;
    return print("%.*s", target.length, target.text);
}

/* Keeps whole UTF-8 characters. */
static void cut(char *name)
{
    size_t n = strnlen(name, LEDGER_TEST_NAME - 1);
    while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--;
    name[n] = 0;
}

/* If two are set either is right. bazel is always the outermost. */
char *test_of_environment(const char *variables)
{
    static char *(*const frameworks[])(const char *) = {pytest, bats, nextest, scrut, bazel};
    char *name = NULL;
    for (size_t i = 0; i < sizeof(frameworks) / sizeof(*frameworks) && !name; i++)
        name = frameworks[i](variables);
    if (name)
        cut(name);
    return name;
}
