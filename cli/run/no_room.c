/* Processes that had no room for a ledger. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/array.h"
#include "cli/run/ledgers.h"
#include "common/run_protocol.h"

bool run_given_up_reason(const char *path, enum unwatched_why *why)
{
    static const enum unwatched_why reasons[LEDGER_GAVE_UP_REASONS] = {
        [LEDGER_GAVE_UP_ROOM] = UNWATCHED_NO_ROOM,
        [LEDGER_GAVE_UP_FILE_SIZE] = UNWATCHED_FILE_SIZE,
        [LEDGER_GAVE_UP_MEMORY] = UNWATCHED_MEMORY,
    };
    struct stat status;
    if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        (status.st_mode & 0777) >= LEDGER_GAVE_UP_REASONS)
        return false;
    *why = reasons[status.st_mode & 0777];
    return true;
}

bool run_given_up_add(struct run_ledgers *ledgers, pid_t pid, unsigned long image, enum unwatched_why why)
{
    for (size_t i = 0; i < ledgers->given_up_count; i++)
        if (ledgers->given_up[i].pid == pid && ledgers->given_up[i].image == image)
            return true;
    if (!ARRAY_GROW(ledgers->given_up, ledgers->given_up_count))
        return false;
    ledgers->given_up[ledgers->given_up_count++] = (struct given_up){pid, image, why};
    return true;
}

const struct given_up *run_given_up_latest(const struct run_ledgers *ledgers, pid_t pid)
{
    const struct given_up *latest = NULL;
    for (size_t i = 0; i < ledgers->given_up_count; i++)
        if (ledgers->given_up[i].pid == pid && (!latest || ledgers->given_up[i].image > latest->image))
            latest = &ledgers->given_up[i];
    return latest;
}
