#include "cli/common/save_stacks.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stacks/stacks.h"

/* The file for the stacks. False: the ledger is not there, or the directory is not writable. */
static bool find_place(pid_t pid, const struct ledger *ledger, const char *directory, char *path, size_t size)
{
    char beside[PATH_MAX];
    pid_t own = ledger_get_header(ledger)->pid;
    if (!ledger_process_path(pid, own, beside, sizeof(beside)))
        return false;
    char *name = strrchr(beside, '/');
    if (!name)
        return false;
    *name++ = '\0';
    if ((directory && strcmp(directory, beside) != 0) || access(beside, W_OK) != 0)
        return false;
    return snprintf(path, size, "%s/" STACKS_FILE_PREFIX "%s", beside, name + strlen(LEDGER_FILE_PREFIX)) <
           (int)size;
}

static bool save(pid_t pid, const struct ledger *ledger, const char *path)
{
    struct error error;
    const struct stacks_options options = {.symbolizer = symbolizer_new(false), .ledger = ledger};
    struct stacks *current = options.symbolizer ? stacks_take(pid, &options, &error) : NULL;
    bool saved = current && stacks_save(current, path);
    stacks_free(current);
    symbolizer_free(options.symbolizer);
    return saved;
}

bool save_stacks(pid_t pid, const char *directory)
{
    char path[PATH_MAX];
    struct ledger *ledger;
    struct error error;
    if (ledger_open_process(pid, &ledger, &error) != LEDGER_OPEN_OK)
        return false;
    bool kept = find_place(pid, ledger, directory, path, sizeof(path)) && save(pid, ledger, path);
    ledger_close(ledger);
    return kept;
}
