/* Questions about strings. */
#ifndef THREADLEAK_BASE_TEXT_H
#define THREADLEAK_BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

static inline bool text_begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

#endif
