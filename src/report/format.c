#include <stddef.h>
#include <string.h>

#include "report/report.h"

static const struct report_format *const formats[] = {
#define FORMAT(name) &report_##name,
#include "common/formats.def"
};

static const char names[] =
#define FORMAT(name) ", " #name
#include "common/formats.def"
    ;

const struct report_format *report_format(size_t n)
{
    return n < sizeof(formats) / sizeof(*formats) ? formats[n] : NULL;
}

const struct report_format *report_format_find(const char *name)
{
    for (size_t i = 0; report_format(i); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const char *report_format_names(void)
{
    return names + strlen(", ");
}
