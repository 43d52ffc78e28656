#include "cli/run/ledgers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shim.h"
#include "base/search.h"
#include "cli/common/cli.h"
#include "cli/common/watchable.h"
#include "cli/run/exec_records.h"
#include "cli/run/wait_until.h"
#include "proc/process.h"
#include "common/run_protocol.h"

struct search {
    const struct run_collect *collect;
    struct run_ledgers *ledgers;
    struct exec_records records;
    struct run_ledger **sorted; /* the ledgers by own_pid() */
};

/* As in the records: in its own pid namespace. */
static pid_t own_pid(const struct run_ledger *item)
{
    return ledger_get_header(item->ledger)->pid;
}

static int by_pid(const void *a, const void *b)
{
    pid_t x = own_pid(*(struct run_ledger *const *)a), y = own_pid(*(struct run_ledger *const *)b);
    return (x > y) - (x < y);
}

static bool sort_ledgers(struct search *search)
{
    size_t count = search->ledgers->count;
    search->sorted = calloc(count + 1, sizeof(*search->sorted));
    for (size_t i = 0; search->sorted && i < count; i++)
        search->sorted[i] = &search->ledgers->items[i];
    if (search->sorted)
        qsort(search->sorted, count, sizeof(*search->sorted), by_pid);
    return search->sorted;
}

/* Does the program have a ledger, or did the process end before its exec was complete? */
static bool is_accounted_for(const struct exec_record *record, const struct run_ledger *item)
{
    const struct ledger_header *header = ledger_get_header(item->ledger);
    if (header->started_ns >= record->ns)
        return header->started_ns < record->until && !(header->flags & LEDGER_FORKED);
    return header->end != LEDGER_END_NONE && header->end != LEDGER_END_EXEC && header->end_ns >= record->ns;
}

static bool has_reported(const struct search *search, const struct exec_record *record)
{
    if (began_between(&search->ledgers->began, record->pid, record->ns, record->until))
        return true;
    size_t count = search->ledgers->count;
    size_t at = SEARCH_FIRST(i, count, own_pid(search->sorted[i]) >= record->pid);
    for (; at < count && own_pid(search->sorted[at]) == record->pid; at++)
        if (is_accounted_for(record, search->sorted[at]))
            return true;
    return false;
}

/* ---- the reason --------------------------------------------------------------------------- */

/* The path of the directory is from the kernel. It has no symbolic links, so ".." can be resolved as text.
 * The directory itself may be gone by now. */
static void join_path(char *out, size_t size, const char *directory, const char *path)
{
    size_t length = *path == '/' ? 0 : strlen(directory);
    while (length && *path == '.' && (path[1] == '/' || (path[1] == '.' && path[2] == '/'))) {
        if (path[1] == '.')
            while (length && directory[--length] != '/')
                ;
        path = strchr(path, '/');
        path += strspn(path, "/");
    }
    bool between = *directory && *path && *path != '/';
    snprintf(out, size, "%.*s%s%s", (int)length, directory, between ? "/" : "", path);
}

/* The reason from the file, or else from the environment that the shim recorded. */
static enum unwatched_why why_not(const struct exec_record *record, char exe[PATH_MAX])
{
    char path[2 * PATH_MAX];
    join_path(path, sizeof(path), record->directory, record->path);
    enum unwatched_why why = watchable_why_not(path, exe);
    return why || record->kind != LEDGER_EXEC_BARE ? why : UNWATCHED_ENVIRONMENT;
}

/* UNWATCHED_NOT: it was watched, or that is not certain. */
static enum unwatched_why judge(const struct search *search, const struct exec_record *record,
                                char exe[PATH_MAX])
{
    enum unwatched_why why = why_not(record, exe);
    if (!why && run_given_up_latest(search->ledgers, record->pid))
        return UNWATCHED_NOT; /* judge_given_up() lists it */
    bool is_last = record->until == UINT64_MAX;
    if (!why && search->collect->strict)
        return is_last && run_wait_until_reported(search->ledgers, record->pid, search->collect->directory)
                   ? UNWATCHED_NOT
                   : UNWATCHED_UNKNOWN;
    /* The process is alive with the shim: the new program is loading, or it is about to call exec. */
    return why && is_last && process_maps_file(record->pid, SHIM_NAME) ? UNWATCHED_NOT : why;
}

static bool judge_records(const struct search *search)
{
    for (size_t i = 0; i < search->records.count; i++) {
        const struct exec_record *record = &search->records.items[i];
        if (record->kind != LEDGER_EXEC_OURS && record->kind != LEDGER_EXEC_BARE)
            continue;
        if (has_reported(search, record))
            continue;
        char exe[PATH_MAX];
        enum unwatched_why why = judge(search, record, exe);
        const char *name = *record->path ? record->path : record->directory;
        if (why && !run_ledgers_add_unwatched(search->ledgers, record->pid, name, *exe ? exe : name, why))
            return false;
    }
    return true;
}

/* The program of a process: from its latest exec, or else COMMAND. "process 17" where it only forked. */
static const char *program_of(const struct search *search, pid_t pid, char *scratch, size_t size,
                              char exe[PATH_MAX])
{
    const struct exec_record *records = search->records.items;
    size_t at = SEARCH_FIRST(i, search->records.count, records[i].pid > pid);
    if (at && records[at - 1].pid == pid && *records[at - 1].path) {
        why_not(&records[at - 1], exe);
        return records[at - 1].path;
    }
    snprintf(scratch, size, "process %d", (int)pid);
    return pid == search->collect->child && search->collect->command ? search->collect->command : scratch;
}

static bool judge_given_up(const struct search *search)
{
    for (size_t i = 0; i < search->ledgers->given_up_count; i++) {
        const struct given_up *item = &search->ledgers->given_up[i];
        if (item != run_given_up_latest(search->ledgers, item->pid))
            continue;
        char scratch[32], exe[PATH_MAX] = "";
        const char *name = program_of(search, item->pid, scratch, sizeof(scratch), exe);
        if (!run_ledgers_add_unwatched(search->ledgers, item->pid, name, *exe ? exe : name, item->why))
            return false;
    }
    return true;
}

/* Is there a record of the program that the process ran after this one? */
static bool is_followed(const struct search *search, pid_t pid, uint64_t end_ns)
{
    const struct run_ledgers *ledgers = search->ledgers;
    if (began_between(&ledgers->began, pid, end_ns, UINT64_MAX))
        return true;
    for (size_t i = 0; i < search->records.count; i++)
        if (search->records.items[i].pid == pid && search->records.items[i].ns >= end_ns)
            return true;
    for (size_t i = 0; i < ledgers->count; i++)
        if (own_pid(&ledgers->items[i]) == pid &&
            ledger_get_header(ledgers->items[i].ledger)->started_ns >= end_ns)
            return true;
    return false;
}

/* A program of COMMAND that has no ledger called exec, and what it became did not report in. */
static void find_escape(const struct search *search)
{
    const struct run_ledgers *ledgers = search->ledgers;
    const struct began *latest = began_latest(&ledgers->began, ledgers->child, getpid());
    for (size_t i = 0; latest && i < ledgers->count; i++)
        if (ledgers->items[i].pid == ledgers->child &&
            ledger_get_header(ledgers->items[i].ledger)->started_ns >= latest->ns)
            return; /* collect.c reads its end in its ledger */
    for (size_t i = 0; latest && i < search->records.count; i++) {
        const struct exec_record *record = &search->records.items[i];
        search->ledgers->escaped |=
            record->pid == ledgers->child && record->ns >= latest->ns && record->kind != LEDGER_EXEC_FAILED;
    }
}

/* Processes that called exec without a record of it.  One may be about to write it. */
static bool judge_execs(const struct search *search)
{
    struct run_ledgers *ledgers = search->ledgers;
    for (size_t i = 0; i < ledgers->count; i++) {
        const struct ledger_header *header = ledger_get_header(ledgers->items[i].ledger);
        pid_t pid = own_pid(&ledgers->items[i]);
        const char *exe = ledger_get_string(ledgers->items[i].ledger, header->exe);
        if (header->end == LEDGER_END_EXEC && !is_followed(search, pid, header->end_ns) &&
            !run_wait_until_reported(ledgers, pid, search->collect->directory) &&
            !run_ledgers_add_unwatched(ledgers, pid, exe, exe, UNWATCHED_EXEC))
            return false;
    }
    return true;
}

/* Then nobody knows whether all programs were watched. */
static void note_incomplete(const struct search *search)
{
    if (!search->records.incomplete)
        return;
    search->ledgers->unreadable = true;
    cli_message("run: the list of programs in %s is not complete (no room, damaged or too large); some that "
                "were not watched may be missing",
                search->collect->directory);
}

bool run_unwatched_find(const struct run_collect *collect, struct run_ledgers *ledgers, struct error *error)
{
    struct search search = {.collect = collect, .ledgers = ledgers};
    bool done = exec_records_read(&search.records, collect->directory) && sort_ledgers(&search) &&
                judge_records(&search) && judge_given_up(&search) &&
                (!collect->strict || judge_execs(&search));
    find_escape(&search);
    note_incomplete(&search);
    if (!done)
        error_set(error, "out of memory");
    free(search.sorted);
    exec_records_free(&search.records);
    return done;
}
