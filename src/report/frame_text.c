#include "report/frame_text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

#define FILE_WIDTH 60

static void name_without_function(char *out, size_t size, const struct frame *frame)
{
    if (frame->module)
        snprintf(out, size, "%.200s+0x%llx", path_basename(frame->module), (unsigned long long)frame->offset);
    else
        snprintf(out, size, "0x%llx", (unsigned long long)frame->pc);
}

/* The cut is never inside a UTF-8 character. */
static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Keeps the beginning, which has the namespace, and the end, which has the function. */
static void cut_middle(char *out, size_t size, const char *name, size_t width)
{
    size_t length = strlen(name), head = width / 2 - 2, tail = length - (width - head - 3);
    while (head > 0 && is_continuation(name[head]))
        head--;
    while (is_continuation(name[tail]))
        tail++;
    snprintf(out, size, "%.*s...%s", (int)head, name, name + tail);
}

void format_function(char *out, size_t size, const struct frame *frame, size_t width)
{
    char address[PATH_MAX];
    const char *name = frame->function;
    if (!name) {
        name_without_function(address, sizeof(address), frame);
        name = address;
    }
    char *shorter = strlen(name) > width ? function_shorten(name, width) : NULL;
    name = shorter ? shorter : name;
    if (strlen(name) > width)
        cut_middle(out, size, name, width);
    else
        snprintf(out, size, "%s", name);
    free(shorter);
}

/* The path from the working directory. */
static const char *relative(const char *file)
{
    char here[PATH_MAX];
    size_t length = getcwd(here, sizeof(here)) ? strlen(here) : 0;
    bool is_below = length > 1 && strncmp(file, here, length) == 0 && file[length] == '/';
    return is_below ? file + length + 1 : file;
}

void format_place(char *out, size_t size, const struct frame *frame, bool whole)
{
    if (!frame->file) {
        snprintf(out, size, "%s", frame->module && frame->function ? path_basename(frame->module) : "");
        return;
    }
    const char *file = whole ? frame->file : relative(frame->file), *dots = "";
    while (file[0] == '.' && file[1] == '/')
        file += 2;
    if (!whole && strlen(file) > FILE_WIDTH) { /* the last directories distinguish files */
        const char *cut = file + strlen(file) - FILE_WIDTH, *slash = strchr(cut, '/');
        file = slash ? slash : cut;
        dots = "...";
    }
    if (frame->line > 0 || *dots)
        snprintf(out, size, "%s%s:%d", dots, file, frame->line);
    else
        snprintf(out, size, "%s", file);
}
