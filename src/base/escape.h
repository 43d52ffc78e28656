/* UTF-8, and text of a watched program on its way to a terminal. */
#ifndef THREADLEAK_BASE_ESCAPE_H
#define THREADLEAK_BASE_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* How many bytes of a well-formed UTF-8 character stand here; 0: none. */
size_t character_length(const char *text);

/* How many bytes of one stand here that is no control character; 0: none. */
size_t plain_length(const char *text);

/* Control characters and what is no UTF-8 as \xNN.  Both give the columns it takes. */
size_t put_escaped(FILE *out, const char *text);
size_t escaped_width(const char *text);

#endif
