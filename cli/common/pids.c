#include "cli/common/pids.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

#include "cli/common/cli.h"
#include "cli/common/target.h"

static bool takes_names(const struct command *command)
{
    for (const struct command_option *option = command->options; option->name; option++)
        if (strcmp(option->name, "name") == 0)
            return true;
    return false;
}

static bool pid_read(const struct command *command, const char *text, pid_t *pid, struct error *error)
{
    long number;
    if (!cli_number(text, 1, INT_MAX, &number) && takes_names(command))
        return error_set(error, "%s is not a PID; give a name as --name=%s", text, text);
    if (!cli_number(text, 1, INT_MAX, &number))
        return error_set(error, "%s is not a PID; see 'threadleak help %s'", text, command->name);
    *pid = (pid_t)number;
    pid_t child = run_command_of(*pid);
    if (child > 0)
        return error_set(error, "process %ld is threadleak run itself; give its command: threadleak %s %d",
                         number, command->name, (int)child);
    return true;
}

bool pids_read(const struct command *command, int argc, char **argv, pid_t *pids, size_t most, size_t *count,
               struct error *error)
{
    *count = 0;
    for (int i = optind; i < argc; i++) {
        if (*count == most && most == 1)
            return error_set(error, "give one PID; see 'threadleak help %s'", command->name);
        if (*count == most)
            return error_set(error, "at most %zu PIDs can be given", most);
        if (!pid_read(command, argv[i], &pids[(*count)++], error))
            return false;
    }
    return true;
}
