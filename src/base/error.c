#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

bool error_set(struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    replace_controls(error->text);
    return false;
}

bool error_prefix(struct error *error, const char *prefix)
{
    char text[sizeof(error->text)];
    memcpy(text, error->text, sizeof(text));
    return error_set(error, "%s%s", prefix, text);
}
