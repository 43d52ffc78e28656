/* Strings: tests of a prefix, plurals, lines that are built piece by piece, text that is printed to memory.
 */
#ifndef THREADLEAK_BASE_TEXT_H
#define THREADLEAK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline bool text_begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* "s", or "" for 1. */
static inline const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Frees a NULL-terminated list and its strings. NULL: nothing. */
void strings_free(char **list);

/* One line of text, built piece by piece. Text that does not fit is cut. Initialise it with {.length = 0}. */

struct line {
    char text[1024];
    size_t length;
};

__attribute__((format(printf, 2, 3))) void line_add(struct line *line, const char *format, ...);
/* Malloc'ed, with '?' for control characters, because names in the watched process may contain them. NULL:
 * out of memory. */
char *line_copy(const struct line *line);

/* Text that is printed to memory. */

struct text_buffer {
    FILE *out; /* to print to */
    char *text;
    size_t size;
};

/* The stream, or NULL when out of memory. */
FILE *text_open(struct text_buffer *buffer);
/* The text, malloc'ed, or NULL when out of memory.  Call it once after text_open() gave a stream. */
char *text_close(struct text_buffer *buffer);

/* A copy of `text`, with \xNN for control characters and invalid UTF-8. Malloc'ed; NULL: out of memory. */
char *escaped_copy(const char *text);

#endif
