#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cli/selftest/selftest.h"

/* The text has file names and output of programs, and must stay one line. */
static void print_line(const char *mark, const char *what, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        return;
    replace_controls(text);
    printf("%-5s %-28s %s\n", mark, what, text);
    fflush(stdout);
    free(text);
}

void selftest_ok(struct selftest *test, const char *what, const char *format, ...)
{
    va_list args;
    test->checks++;
    va_start(args, format);
    print_line("ok", what, format, args);
    va_end(args);
}

void selftest_note(struct selftest *test, const char *what, const char *format, ...)
{
    va_list args;
    test->checks++;
    test->notes++;
    va_start(args, format);
    print_line("note", what, format, args);
    va_end(args);
}

void selftest_fail(struct selftest *test, const char *what, const char *format, ...)
{
    va_list args;
    test->checks++;
    test->failures++;
    va_start(args, format);
    print_line("FAIL", what, format, args);
    va_end(args);
}

void selftest_detail(const struct selftest *test, const char *text)
{
    if (!test->verbose || !text)
        return;
    while (*text) {
        int length = (int)strcspn(text, "\n");
        printf("      | %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}
