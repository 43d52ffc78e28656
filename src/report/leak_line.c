#include "report/leak_line.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/frame_text.h"
#include "report/group_frames.h"
#include "report/source_path.h"
#include "report/text_buffer.h"
#include "report/text_group.h"

#define NAME_WIDTH 100

/* ", created by pool_start (src/pool.c:42)"; nothing for NULL. */
static void put_described(FILE *out, const char *what, const struct frame *frame)
{
    char name[512], path[PATH_MAX];
    if (!frame)
        return;
    format_function(name, sizeof(name), frame, NAME_WIDTH);
    fputs(what, out);
    put_escaped(out, name);
    if (!frame->file)
        return;
    format_source_path(path, sizeof(path), frame->file);
    fputs(" (", out);
    put_escaped(out, path);
    if (frame->line > 0)
        fprintf(out, ":%d", frame->line);
    putc(')', out);
}

char *leak_line(const struct leak_group *group, size_t threads, size_t processes)
{
    static const char *const kinds[LEAK_KINDS][2] = {
        [LEAK_RUNNING] = {"running", "never joined"},
        [LEAK_DETACHED] = {"detached", "still alive"},
        [LEAK_UNJOINED] = {"finished", "never joined"},
    };
    struct text_buffer line;
    FILE *out = text_open(&line);
    if (!out)
        return NULL;
    fprintf(out, "%zu %s thread%s, %s", threads, kinds[group->kind][0], threads == 1 ? "" : "s",
            kinds[group->kind][1]);
    if (processes > 1)
        fprintf(out, ", in %zu processes", processes);
    put_described(out, ", created by ", creator_frame(group));
    put_described(out, threads == 1 ? ", runs " : ", run ", run_frame(group));
    return text_close(&line);
}

/* The text report without the empty line before it, and without the last newline. */
static char *group_text(const struct leak_group *group)
{
    static const struct report_style style = {.color = false};
    struct text_buffer text;
    if (!text_open(&text))
        return NULL;
    print_group(&(struct printer){.out = text.out, .style = &style}, group);
    char *lines = text_close(&text);
    if (!lines)
        return NULL;
    size_t size = strlen(lines);
    if (size && lines[size - 1] == '\n')
        lines[--size] = '\0';
    if (*lines == '\n')
        memmove(lines, lines + 1, size);
    return lines;
}

bool leak_text_make(struct leak_text *text, const struct leak_group *group, size_t threads, size_t processes)
{
    text->line = leak_line(group, threads, processes);
    text->details = group_text(group);
    return text->line && text->details;
}

void leak_text_release(struct leak_text *text)
{
    free(text->line);
    free(text->details);
}
