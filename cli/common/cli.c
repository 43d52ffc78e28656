#include "cli/common/cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cli/common/progress.h"
#include "cli/common/terminal.h"

void cli_message(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return;
    replace_controls(text);
    progress_hide();
    fputs("threadleak: ", stderr);
    if (terminal_is_ascii())
        put_ascii(stderr, text);
    else
        fputs(text, stderr);
    putc('\n', stderr);
    free(text);
}

bool cli_number(const char *text, long min, long max, long *number)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *number = value;
    return true;
}

bool cli_duration(const char *text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"ms", 0.001}, {"m", 60}, {"h", 3600}};
    char *end;
    size_t digits = strspn(text, "0123456789.");
    double value = strtod(text, &end);
    if (digits == 0 || end != text + digits) /* strtod also reads 0x10, 1e3 and inf */
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        *seconds = value * units[i].seconds;
        if (strcmp(end, units[i].unit) == 0)
            return isfinite(*seconds) && *seconds > 0 && *seconds < 1e8;
    }
    return false;
}

const char *guess_text(const struct guess *guess, const char *prefix, char *out, size_t size)
{
    if (guess->best)
        snprintf(out, size, " (did you mean %s%s)", prefix, guess->best);
    return guess->best ? out : "";
}
