#include "cli/run/unseen.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "proc/process.h"
#include "cli/common/run_env.h"
#include "cli/common/run_dir.h"

#define LOADING_MS 2000

bool run_unseen_add(struct run_ledgers *ledgers, pid_t pid, const char *name, const char *exe,
                    enum unwatched_why why)
{
    size_t count = ledgers->unwatched_count;
    /* doubled at each power of two */
    if (!(count & (count - 1))) {
        struct unwatched *items = realloc(ledgers->unwatched, (count ? count * 2 : 1) * sizeof(*items));
        if (!items)
            return false;
        ledgers->unwatched = items;
    }
    char *given = strdup(name), *absolute = realpath(exe, NULL);
    if (!absolute)
        absolute = strdup(name);
    if (!given || !absolute) {
        free(given);
        free(absolute);
        return false;
    }
    ledgers->unwatched[ledgers->unwatched_count++] =
        (struct unwatched){.pid = pid, .name = given, .exe = absolute, .why = why};
    return true;
}

/* The number that its next program takes: that of the latest that was read, and one. */
static unsigned long next_image(const struct run_ledgers *ledgers, pid_t pid)
{
    unsigned long next = 0;
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].pid == pid && ledgers->items[i].image >= next)
            next = ledgers->items[i].image + 1;
    return next;
}

static bool has_newer_ledger(const struct run_place *place, pid_t pid)
{
    char path[RUN_DIR_MAX + 64];
    struct stat status;
    snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.%lu", place->directory, (int)pid,
             next_image(place->ledgers, pid));
    return stat(path, &status) == 0 && (status.st_mode & 0777) != LEDGER_GIVEN_UP_MODE && status.st_size > 0;
}

bool run_unseen_arrives(const struct run_place *place, pid_t pid)
{
    for (int ms = 0; ms < LOADING_MS; ms++) {
        /* Asked first: what one that has ended by then has left is there. */
        bool exists = process_exists(pid);
        if (has_newer_ledger(place, pid) || (exists && process_maps_file(pid, SHIM_NAME)))
            return true;
        if (!exists)
            return false;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return false;
}
