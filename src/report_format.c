#include <stddef.h>
#include <string.h>

#include "report.h"

static const struct report_format *const formats[] = {&report_text, &report_json};

const struct report_format *report_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const char *report_format_names(void)
{
    return "text, json";
}
