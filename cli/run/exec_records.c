#include "cli/run/exec_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/file.h"
#include "cli/common/run_dir.h"
#include "common/run_protocol.h"

/* A watched process can write anything there. A record has 8 bytes at least, and 100 in most cases. */
enum { BYTES_MAX = 64 << 20, RECORDS_MAX = 1 << 20 };

/* NULL: there is none, or it is not readable. */
static char *read_file(const char *directory, size_t *size)
{
    char path[RUN_DIR_MAX + sizeof(LEDGER_EXECS_FILE) + 1];
    snprintf(path, sizeof(path), "%s/" LEDGER_EXECS_FILE, directory);
    return regular_file_read_here(path, BYTES_MAX, size);
}

static bool has_lost_some(const char *directory)
{
    char path[RUN_DIR_MAX + sizeof(LEDGER_EXECS_FILE) + 1];
    struct stat status;
    snprintf(path, sizeof(path), "%s/" LEDGER_EXECS_FILE, directory);
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & LEDGER_EXECS_LOST;
}

/* Returns the string at *at, and moves *at after it. NULL: the end. */
static const char *next_string(char **at, const char *end)
{
    char *string = *at, *nul = memchr(string, 0, (size_t)(end - string));
    if (!nul)
        return NULL;
    *at = nul + 1;
    return string;
}

static bool parse_record(char **at, const char *end, struct exec_record *record)
{
    const char *head = next_string(at, end);
    record->directory = head ? next_string(at, end) : NULL;
    record->path = record->directory ? next_string(at, end) : NULL;
    int used = 0;
    unsigned long long ns;
    if (!record->path || sscanf(head, "%d %llu %c%n", &record->pid, &ns, &record->kind, &used) != 3 ||
        head[used])
        return false;
    record->ns = ns;
    return true;
}

/* Stops at a damaged record, which a full disk can cause. */
static bool parse_records(struct exec_records *records, size_t size)
{
    char *at = records->text, *end = records->text + size;
    struct exec_record record = {.pid = 0};
    while (at < end && records->count < RECORDS_MAX && parse_record(&at, end, &record)) {
        if (!ARRAY_GROW(records->items, records->count))
            return false;
        record.order = records->count;
        records->items[records->count++] = record;
    }
    records->incomplete = at < end;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct exec_record *x = a, *y = b;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    /* A parent may write its record of a spawn after the child has written its next record. */
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Pids are reused, so a record is valid until the next one of its pid. */
static void set_until(struct exec_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        struct exec_record *record = &records->items[i];
        bool last = i + 1 == records->count || record[1].pid != record->pid;
        record->until = last ? UINT64_MAX : record[1].ns;
        if (!last && record[1].kind == LEDGER_EXEC_FAILED)
            record->kind = LEDGER_EXEC_FAILED;
    }
}

bool exec_records_read(struct exec_records *records, const char *directory)
{
    size_t size;
    errno = 0;
    *records = (struct exec_records){.text = read_file(directory, &size)};
    records->incomplete = !records->text && errno && errno != ENOENT;
    if (records->text && !parse_records(records, size))
        return false;
    if (records->count)
        qsort(records->items, records->count, sizeof(*records->items), by_pid);
    records->incomplete |= has_lost_some(directory);
    set_until(records);
    return true;
}

void exec_records_free(struct exec_records *records)
{
    free(records->items);
    free(records->text);
}
