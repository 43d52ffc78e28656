#include "report/text/leak_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/text/text.h"

/* The text of the group without the empty line before it, and without the last newline. */
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

bool leak_text_make(struct leak_text *text, const struct leak_site *site)
{
    text->line = leak_message(site);
    text->details = group_text(site->group);
    return text->line && text->details;
}

void leak_text_release(struct leak_text *text)
{
    free(text->line);
    free(text->details);
}
