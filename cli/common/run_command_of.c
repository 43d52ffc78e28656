#include "cli/common/run_command_of.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "proc/file.h"
#include "proc/process.h"

static bool is_run(pid_t pid)
{
    char *exe = process_exe(pid);
    char **argv = process_argv(pid);
    /* Compares names only, because it may be another build of threadleak. */
    bool is = exe && !strcmp(path_basename(exe), "threadleak") && argv && argv[0] && argv[1] &&
              !strcmp(argv[1], "run");
    free(argv);
    free(exe);
    return is;
}

/* COMMAND is the only child of run. /proc/PID/task/TID/children would be faster, but not every kernel has
 * it. */
static pid_t only_child(pid_t parent)
{
    pid_t child = 0;
    DIR *directory = opendir("/proc");
    if (!directory)
        return 0;
    for (long pid; !child && (pid = proc_next_number(directory)) >= 0;)
        if (process_parent((pid_t)pid) == parent && process_exists((pid_t)pid))
            child = (pid_t)pid;
    closedir(directory);
    return child;
}

pid_t run_command_of(pid_t pid)
{
    return is_run(pid) ? only_child(pid) : 0;
}
