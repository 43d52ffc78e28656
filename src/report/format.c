#include <stddef.h>
#include <string.h>

#include "report/report.h"

#define FORMATS(row) row(text) row(json) row(junit) row(sarif) row(github) row(gitlab) row(tap)

#define ROW(name) &report_##name,
static const struct report_format *const formats[] = {FORMATS(ROW)};

#define NAME(name) ", " #name
static const char names[] = FORMATS(NAME);

const struct report_format *report_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const char *report_format_names(void)
{
    return names + strlen(", ");
}
