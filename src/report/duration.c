#include "report/duration.h"

#include <stdio.h>
#include <string.h>

void format_duration(char *out, size_t size, double seconds)
{
    long whole = (long)seconds;
    if (seconds < 0)
        snprintf(out, size, "?");
    else if (seconds < 0.0995)
        snprintf(out, size, "%.0f ms", seconds * 1000);
    else if (seconds < 99.95)
        snprintf(out, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(out, size, "%ld min %ld s", whole / 60, whole % 60);
    else if (whole < 48 * 3600)
        snprintf(out, size, "%ld h %ld min", whole / 3600, whole / 60 % 60);
    else
        snprintf(out, size, "%ld days %ld h", whole / 86400, whole / 3600 % 24);
}

void format_range(char *out, size_t size, double low, double high)
{
    char first[40], last[40];
    format_duration(first, sizeof(first), low);
    format_duration(last, sizeof(last), high);
    if (strcmp(first, last) == 0)
        snprintf(out, size, "%s", last);
    else
        snprintf(out, size, "%s to %s", first, last);
}

const char *format_timeout(char out[TIMEOUT_TEXT_MAX], const struct report *report)
{
    char time[40];
    *out = '\0';
    format_duration(time, sizeof(time), report->timed_out_s);
    if (report->timed_out_s > 0)
        snprintf(out, TIMEOUT_TEXT_MAX, "timed out after %s", time);
    return out;
}
