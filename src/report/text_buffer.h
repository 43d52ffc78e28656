/* Text that is printed to memory. */
#ifndef THREADLEAK_REPORT_TEXT_BUFFER_H
#define THREADLEAK_REPORT_TEXT_BUFFER_H

#include <stddef.h>
#include <stdio.h>

struct text_buffer {
    FILE *out; /* to print to */
    char *text;
    size_t size;
};

/* The stream, or NULL when out of memory. */
FILE *text_open(struct text_buffer *buffer);
/* The text, malloc'ed, or NULL when out of memory.  Call it once after text_open() gave a stream. */
char *text_close(struct text_buffer *buffer);

/* `text` with control characters, and what is not UTF-8, as \xNN.  Malloc'ed; NULL: out of memory. */
char *escaped_copy(const char *text);

#endif
