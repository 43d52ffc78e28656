#include "preload/shim/text.h"

#include <stdarg.h>

static void add_digits(struct text *text, uint64_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits);
    do
        digits[--at] = "0123456789abcdef"[value % base];
    while (value /= base);
    text_bytes(text, digits + at, sizeof(digits) - at);
}

static void add_number(struct text *text, long value)
{
    if (value < 0)
        text_string(text, "-");
    add_digits(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void text_print(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    for (; *format; format++) {
        bool is_long = format[0] == '%' && format[1] == 'l';
        if (*format != '%')
            text_bytes(text, format, 1);
        else if (*(format += 1 + is_long) == 's')
            text_string(text, va_arg(list, const char *));
        else if (*format == 'd')
            add_number(text, is_long ? va_arg(list, long) : va_arg(list, int));
        else
            add_digits(text, is_long ? va_arg(list, unsigned long) : va_arg(list, unsigned),
                       *format == 'x' ? 16 : 10);
    }
    va_end(list);
}
