#include "preload/options/test_name.h"

#include <stdlib.h>
#include <string.h>

#include "preload/shim/text.h"

/*
 * Frameworks that set a variable, and where they document it:
 *
 *   pytest   doc "PYTEST_CURRENT_TEST": "file.py::test (call)", for each of setup, call, teardown
 *   bats     bats(7): BATS_TEST_FILENAME, and BATS_TEST_NAME, the description as the name of a function;
 *            BATS_TEST_DESCRIPTION is only in the shell, unless the test file exports it
 *   nextest  doc "Environment variables nextest sets": since 0.9.116, one process for each test
 *   scrut    doc "Environment Variables": "file.md:line"
 *   bazel    src/main/java/…/test/TestRunnerAction.java: the label of the target, not of a case in it
 *
 * If two are set either is right.  bazel is always the outermost.
 * meson, CTest, automake and prove set no variable.
 */
static void pytest(struct text *name)
{
    const char *test = getenv("PYTEST_CURRENT_TEST");
    size_t length = test ? strlen(test) : 0;
    static const char call[] = " (call)";
    /* Keeps "(setup)" and "(teardown)", which mean a fixture. */
    if (length > sizeof(call) - 1 && strcmp(test + length - (sizeof(call) - 1), call) == 0)
        length -= sizeof(call) - 1;
    text_bytes(name, test, length);
}

static void bats(struct text *name)
{
    const char *file = getenv("BATS_TEST_FILENAME"), *function = getenv("BATS_TEST_NAME");
    const char *description = getenv("BATS_TEST_DESCRIPTION");
    if (!file || !function || !*function)
        return;
    const char *slash = strrchr(file, '/');
    text_print(name, "%s: %s", slash ? slash + 1 : file,
               description && *description ? description : function);
}

static void nextest(struct text *name)
{
    const char *binary = getenv("NEXTEST_BINARY_ID"), *test = getenv("NEXTEST_TEST_NAME");
    if (binary && test)
        text_print(name, "%s %s", binary, test);
}

static void scrut(struct text *name)
{
    const char *test = getenv("SCRUT_TEST");
    text_string(name, test ? test : "");
}

/* Other tools use TEST_TARGET, too.  A label begins with // or @. */
static void bazel(struct text *name)
{
    const char *target = getenv("TEST_TARGET");
    if (target && getenv("TEST_SRCDIR") && (strncmp(target, "//", 2) == 0 || *target == '@'))
        text_string(name, target);
}

/* Removes the beginning of a UTF-8 character that did not fit. */
static void drop_half_character(char *text, size_t length)
{
    size_t tail = 0;
    while (tail < length && tail < 3 && ((unsigned char)text[length - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail == length)
        return;
    unsigned char first = (unsigned char)text[length - 1 - tail];
    size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (tail + 1 < whole)
        text[length - 1 - tail] = 0;
}

void test_name_find(char *out, size_t size)
{
    static void (*const frameworks[])(struct text *) = {pytest, bats, nextest, scrut, bazel};
    struct text name = text_in(out, size);
    for (size_t i = 0; i < sizeof(frameworks) / sizeof(*frameworks) && !name.length; i++)
        frameworks[i](&name);
    if (name.overflow)
        drop_half_character(out, name.length);
}
