#include "base/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

void line_add(struct line *line, const char *format, ...)
{
    va_list args;
    size_t room = sizeof(line->text) - line->length;
    va_start(args, format);
    int written = vsnprintf(line->text + line->length, room, format, args);
    va_end(args);
    if (written > 0)
        line->length += (size_t)written < room ? (size_t)written : room - 1;
}

char *line_copy(const struct line *line)
{
    char *copy = strndup(line->text, line->length);
    if (copy)
        replace_controls(copy);
    return copy;
}
