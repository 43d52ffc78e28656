/* Builds text in a buffer that the caller provides, without stdio. */
#ifndef THREADLEAK_PRELOAD_SHIM_TEXT_H
#define THREADLEAK_PRELOAD_SHIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *buffer; /* always terminated */
    size_t size, length;
    bool overflow; /* part of the text did not fit */
};

static inline struct text text_in(char *buffer, size_t size)
{
    buffer[0] = 0;
    return (struct text){buffer, size, 0, false};
}

static inline void text_bytes(struct text *text, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text->length + 1 >= text->size) {
            text->overflow = true;
            break;
        }
        text->buffer[text->length++] = bytes[i];
    }
    text->buffer[text->length] = 0;
}

static inline void text_string(struct text *text, const char *string)
{
    text_bytes(text, string, __builtin_strlen(string));
}

/* As printf; only %s, %d, %ld, %u, %lu, %x and %lx. */
__attribute__((format(printf, 2, 3))) void text_print(struct text *text, const char *format, ...);

#endif
