#include "report/text_buffer.h"

#include <stdlib.h>

#include "base/escape.h"

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
