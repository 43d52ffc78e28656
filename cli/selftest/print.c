#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/common/words.h"
#include "cli/selftest/selftest.h"

/* The text has file names and output of programs, and must stay one line, which only a terminal breaks. */
void selftest_print(struct selftest *test, enum selftest_result result, const char *what, const char *format,
                    ...)
{
    static const char *const marks[] = {"ok", "note", "FAIL"};
    char *text = NULL;
    va_list args;
    test->checks++;
    test->notes += result == SELFTEST_NOTE;
    test->failures += result == SELFTEST_FAIL;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return;
    replace_controls(text);
    int column = printf("%-5s %-28s ", marks[result], what);
    if (isatty(STDOUT_FILENO))
        put_words(text, column, column);
    else
        fputs(text, stdout);
    putchar('\n');
    fflush(stdout);
    free(text);
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
