/* Bytes that terminals obey, for text that a program can choose. */
#ifndef THREADLEAK_COMMON_CONTROLS_H
#define THREADLEAK_COMMON_CONTROLS_H

#include <stdbool.h>

/* Is it a control character: of ASCII, or the last byte of U+0080 to U+009F? before: the previous byte, or 0.
 * One of these bytes alone is no UTF-8, and a control character for terminals with 8-bit characters. */
static inline bool is_control_byte(unsigned char before, unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f || (byte >= 0x80 && byte < 0xa0 && (before < 0x80 || before == 0xc2));
}

#endif
