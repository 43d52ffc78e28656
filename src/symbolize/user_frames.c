/* Which frames of a stack are the user's. */
#include "symbolize/symbolize.h"

#include <stddef.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"

static bool is_library(const char *module)
{
    return strstr(path_basename(module), ".so");
}

static bool is_of_system(const char *path)
{
    return text_begins_with(path, "/usr/") || text_begins_with(path, "/lib");
}

static bool is_nameless_of_system(const struct frame *frame)
{
    return !frame->function && frame->module && is_library(frame->module) && is_of_system(frame->module);
}

static bool is_surely_users(const struct frame *frame)
{
    bool has_source = frame->file && frame->line > 0 && !is_of_system(frame->file);
    return has_source || (frame->module && !is_library(frame->module));
}

const struct frame *innermost_user_frame(const struct frame *frames, size_t count)
{
    const struct frame *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].runtime)
            continue;
        if (!first && !is_nameless_of_system(&frames[i]))
            return &frames[i];
        if (is_surely_users(&frames[i]))
            return &frames[i];
        first = first ? first : &frames[i];
    }
    return first;
}

const struct frame *outermost_user_frame(const struct frame *frames, size_t count)
{
    while (count > 0)
        if (!frames[--count].runtime)
            return &frames[count];
    return NULL;
}
