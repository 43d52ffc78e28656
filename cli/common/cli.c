#include "cli/common/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>

void cli_say(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return;
    /* File names may hold anything; a message stays one line. */
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    fprintf(stderr, "threadleak: %s\n", text);
    free(text);
}

static const struct option *option_by_value(const struct option *options, int value)
{
    for (; options->name; options++)
        if (options->val == value)
            return options;
    return NULL;
}

void cli_say_option(const char *usage, int result, char **argv, const struct option *options)
{
    const struct option *option = optopt ? option_by_value(options, optopt) : NULL;
    const char *hint = "; 'threadleak help ";
    if (result == ':' && option)
        cli_say("%s: --%s needs a value%s%s'", usage, option->name, hint, usage);
    else if (option)
        cli_say("%s: --%s takes no value%s%s'", usage, option->name, hint, usage);
    else if (optopt)
        cli_say("%s: unknown option '-%c'%s%s'", usage, optopt, hint, usage);
    else
        cli_say("%s: unknown or ambiguous option '%s'%s%s'", usage, argv[optind - 1], hint, usage);
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
