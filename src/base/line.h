/* One line of text, built piece by piece; cut where it is full. */
#ifndef THREADLEAK_BASE_LINE_H
#define THREADLEAK_BASE_LINE_H

#include <stddef.h>

struct line {
    char text[1024];
    size_t length;
};

__attribute__((format(printf, 2, 3))) void line_add(struct line *line, const char *format, ...);
/* Malloc'ed, without control characters: names come from the process.  NULL: out of memory. */
char *line_copy(const struct line *line);

#endif
