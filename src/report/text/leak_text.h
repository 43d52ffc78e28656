/* A leak in several lines. */
#ifndef THREADLEAK_REPORT_TEXT_LEAK_TEXT_H
#define THREADLEAK_REPORT_TEXT_LEAK_TEXT_H

#include "report/common/leak_line.h"

/* leak_message, followed by the lines of the text report. */
struct leak_text {
    char *line, *details;
};
/* False: out of memory. Release it in both cases. */
bool leak_text_make(struct leak_text *text, const struct leak_site *site);
void leak_text_release(struct leak_text *text);

#endif
