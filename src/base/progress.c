#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"

static progress_listener *listening;

void progress_listen(progress_listener *listener)
{
    listening = listener;
}

void progress(const char *format, ...)
{
    char text[200];
    va_list arguments;
    if (!listening)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    replace_controls(text);
    listening(text);
}
