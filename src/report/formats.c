#include <errno.h>
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

static bool append_to(const char *path, const struct report_format *format, const struct report *report)
{
    FILE *out = fopen(path, "ae");
    if (!out)
        return false;
    bool printed = format->print_to_side_file(out, report) && !ferror(out);
    return fclose(out) == 0 && printed;
}

bool report_print(const struct report_format *format, FILE *out, const struct report *report,
                  const struct report_style *style)
{
    bool printed = format->print(out, report, style);
    if (fflush(out) != 0 || ferror(out))
        return false;
    if (!printed)
        errno = ENOMEM;
    const char *path = printed && format->side_file ? format->side_file() : NULL;
    return printed && (!path || append_to(path, format, report));
}
