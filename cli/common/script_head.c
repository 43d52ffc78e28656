#include "cli/common/script_head.h"

#include <string.h>

#include "base/path.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* As load_script() in fs/binfmt_script.c does. */
bool script_head_read(char *line, size_t length, char **interpreter, char **argument)
{
    char *end = memchr(line, '\n', length);
    bool whole = end || memchr(line, 0, length) || length < SCRIPT_HEAD_SIZE;
    if (!end)
        end = line + length;
    *end = '\0';
    for (end = line + strlen(line); end > line + 2 && is_blank(end[-1]);)
        *--end = '\0';
    char *at = line + 2;
    at += strspn(at, " \t");
    if (!*at)
        return false;
    *interpreter = at;
    at += strcspn(at, " \t");
    if (!*at && !whole)
        return false;
    if (*at)
        *at++ = '\0';
    *argument = at + strspn(at, " \t");
    return true;
}

const char *script_env_program(const char *interpreter, char *argument)
{
    if (strcmp(path_basename(interpreter), "env"))
        return NULL;
    if (!strncmp(argument, "-S", 2)) {
        argument += 2;
        argument += strspn(argument, " \t");
        argument[strcspn(argument, " \t")] = '\0';
    }
    return *argument && *argument != '-' && !strchr(argument, '=') ? argument : NULL;
}
