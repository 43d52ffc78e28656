/* One line of text, built piece by piece.  What does not fit is cut.  Begins as {.length = 0}. */
#ifndef THREADLEAK_BASE_LINE_H
#define THREADLEAK_BASE_LINE_H

#include <stddef.h>

struct line {
    char text[1024];
    size_t length;
};

__attribute__((format(printf, 2, 3))) void line_add(struct line *line, const char *format, ...);
/* Malloc'ed, with '?' for control characters, which names in the watched process may contain.  NULL: out of
 * memory. */
char *line_copy(const struct line *line);

#endif
