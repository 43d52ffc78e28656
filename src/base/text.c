#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

void line_add(struct line *line, const char *format, ...)
{
    va_list args;
    size_t space = sizeof(line->text) - line->length;
    va_start(args, format);
    int written = vsnprintf(line->text + line->length, space, format, args);
    va_end(args);
    if (written > 0)
        line->length += (size_t)written < space ? (size_t)written : space - 1;
}

char *line_copy(const struct line *line)
{
    char *copy = strndup(line->text, line->length);
    if (copy)
        replace_controls(copy);
    return copy;
}

FILE *text_open(struct text_buffer *buffer)
{
    buffer->text = NULL;
    return buffer->out = open_memstream(&buffer->text, &buffer->size);
}

char *text_close(struct text_buffer *buffer)
{
    if (fclose(buffer->out) == 0)
        return buffer->text;
    free(buffer->text);
    return NULL;
}

char *escaped_copy(const char *text)
{
    struct text_buffer copy;
    if (!text_open(&copy))
        return NULL;
    put_escaped(copy.out, text);
    return text_close(&copy);
}

void strings_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}
