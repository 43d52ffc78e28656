/* UTF-8, and untrusted text for a terminal, which must not get control characters. */
#ifndef THREADLEAK_BASE_ESCAPE_H
#define THREADLEAK_BASE_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* The number of bytes of the first UTF-8 character; 0: it is not well-formed. */
size_t character_length(const char *text);
/* The same; 0 also for control characters, U+0080 to U+009F among them, and for those that change the
 * direction of the text after them or begin a line: a name must not make another line of the one that it is
 * in. */
size_t plain_length(const char *text);

/* Writes the text, with \xNN for each byte that is not part of a printable character. Returns its width: one
 * column for each character, four for each \xNN. */
size_t put_escaped(FILE *out, const char *text);
size_t escaped_width(const char *text);

/* Writes a character of `length` bytes in ASCII: x for the multiplication sign, else \xNN for each byte.
 * Returns its width. */
size_t put_ascii_character(FILE *out, const char *at, size_t length);
/* Writes text that is escaped already in ASCII. */
void put_ascii(FILE *out, const char *text);

/* Replaces control characters, including newlines, and bytes that are not UTF-8 by '?'. */
void replace_controls(char *text);

#endif
