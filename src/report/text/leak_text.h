/* A leak in one line, and in several: for formats whose items have a title and a body. */
#ifndef THREADLEAK_REPORT_TEXT_LEAK_TEXT_H
#define THREADLEAK_REPORT_TEXT_LEAK_TEXT_H

#include "report/common/leak_line.h"

/* line: leak_message(). details: the lines of the text report. malloc'ed. */
struct leak_text {
    char *line, *details;
};
/* False: out of memory. Release it in both cases. */
bool leak_text_make(struct leak_text *text, const struct leak_site *site);
void leak_text_release(struct leak_text *text);

#endif
