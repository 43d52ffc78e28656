/* UTF-8, and text from anywhere on its way to a terminal: control characters must not reach it. */
#ifndef THREADLEAK_BASE_ESCAPE_H
#define THREADLEAK_BASE_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* The bytes of the UTF-8 character that the text begins with; 0: it begins with no well-formed one. */
size_t character_length(const char *text);
/* The same; 0 also for control characters, U+0080 to U+009F among them. */
size_t plain_length(const char *text);

/* Writes the text with \xNN for each byte that is not of a printable character.  Returns its width: one
 * column for each character, four for each \xNN. */
size_t put_escaped(FILE *out, const char *text);
size_t escaped_width(const char *text);

/* Replaces ASCII control characters, newlines too, by '?': the text stays one line. */
void replace_controls(char *text);

#endif
