/* A frame as text: its function and its place.  Neither is escaped. */
#ifndef THREADLEAK_REPORT_FRAME_TEXT_H
#define THREADLEAK_REPORT_FRAME_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "symbolize/symbolize.h"

/* The function, or module+0xoffset.  A name longer than `width` is shortened by function_shorten(), and
 * then cut in its middle. */
void format_function(char *out, size_t size, const struct frame *frame, size_t width);

/* file:line (below the working directory: relative to it), or the module; `whole`: never shortened. */
void format_place(char *out, size_t size, const struct frame *frame, bool whole);

#endif
