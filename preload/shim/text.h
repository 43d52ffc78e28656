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

static inline void text_digits(struct text *text, uint64_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits);
    do
        digits[--at] = "0123456789abcdef"[value % base];
    while (value /= base);
    text_bytes(text, digits + at, sizeof(digits) - at);
}

static inline void text_number(struct text *text, int64_t value)
{
    if (value < 0)
        text_string(text, "-");
    text_digits(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

static inline void text_hex(struct text *text, uint64_t value)
{
    text_string(text, "0x");
    text_digits(text, value, 16);
}

#endif
