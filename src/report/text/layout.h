/* Lines of the text report on a terminal, and in other character sets than UTF-8. */
#ifndef THREADLEAK_REPORT_TEXT_LAYOUT_H
#define THREADLEAK_REPORT_TEXT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Writes text of one or more lines.  width: breaks longer lines at blanks, and indents what follows; 0: no
 * limit.  A word that is longer stays whole.  ascii: writes other characters as \xNN, and those of the report
 * itself as x and "...".  Escape sequences of colors have no width.
 */
struct text_layout {
    size_t width;
    bool ascii;
};
void text_lay_out(FILE *out, const char *text, const struct text_layout *layout);

#endif
