#include "cli/top/only.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "ledger/ledger.h"
#include "proc/status.h"

enum { MAX_NAMED = 8 };

static bool is_watched(pid_t pid)
{
    struct ledger *ledger;
    struct error ignored;
    struct task_status status;
    if (pid == getpid() || !task_status_read(pid, 0, &status) || status.user != (long)getuid() ||
        ledger_open_process(pid, &ledger, &ignored) != LEDGER_OPEN_OK)
        return false;
    ledger_close(ledger);
    return true;
}

/* "12 (redis-server), 13 (x)" */
static void name_one(char *names, size_t size, pid_t pid)
{
    struct task_stat stat;
    size_t used = strlen(names);
    task_stat_read(pid, 0, &stat);
    snprintf(names + used, size - used, "%s%d (%.15s)", used ? ", " : "", (int)pid, stat.name);
}

pid_t only_watched_process(struct error *error)
{
    char names[MAX_NAMED * 32] = "";
    size_t count = 0;
    pid_t found = 0;
    DIR *directory = opendir("/proc");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        long pid;
        if (!cli_number(entry->d_name, 1, INT_MAX, &pid) || !is_watched((pid_t)pid))
            continue;
        found = (pid_t)pid;
        if (count++ < MAX_NAMED)
            name_one(names, sizeof(names), found);
    }
    if (directory)
        closedir(directory);
    if (count == 1)
        return found;
    if (count)
        error_set(error, "%zu watched processes; give a PID: %s%s", count, names,
                  count > MAX_NAMED ? " and more" : "");
    else
        error_set(error, "no watched process; give a PID, or start the program with LD_PRELOAD, run or "
                         "attach");
    return 0;
}
