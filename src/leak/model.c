#include "leak/model.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "suppress/suppress.h"

static const struct {
    const char *name, *text;
} unwatched_reasons[UNWATCHED_REASONS] = {
    [UNWATCHED_STATIC] = {"static", "static"},
    [UNWATCHED_SETUID] = {"setuid", "set-user-ID"},
    [UNWATCHED_SETGID] = {"setgid", "set-group-ID"},
    [UNWATCHED_CAPABILITIES] = {"capabilities", "file capabilities"},
    [UNWATCHED_ARCHITECTURE] = {"architecture", "another architecture"},
    [UNWATCHED_LIBC] = {"libc", "another C library"},
    [UNWATCHED_ENVIRONMENT] = {"environment", "started without LD_PRELOAD"},
    [UNWATCHED_NO_ROOM] = {"no-room",
                           "no room for its record; free some, or set TMPDIR to another directory"},
    [UNWATCHED_FILE_SIZE] = {"file-size-limit",
                             "its limit on file sizes is too low for a record; raise ulimit -f"},
    [UNWATCHED_MEMORY] = {"memory-limit", "its limit on memory is too low for a record; raise ulimit -v"},
    [UNWATCHED_EXEC] = {"exec", "an unknown program, by exec"},
    [UNWATCHED_UNKNOWN] = {"unknown", "no record: it was killed at its start, or could not load or write"},
};

const char *leak_kind_name(enum leak_kind kind)
{
#define NAME(id, name) [LEAK_##id] = name
    static const char *const names[LEAK_KINDS] = {KIND_NAMES(NAME)};
#undef NAME
    return names[kind];
}

unsigned leak_kind_bit(enum leak_kind kind)
{
    return 1u << kind;
}

const char *end_how_name(enum end_how how)
{
    static const char *const names[END_HOWS] = {"exit", "_exit", "quick_exit", "exec", "signal", "alive"};
    return names[how];
}

const char *unwatched_why_name(enum unwatched_why why)
{
    return unwatched_reasons[why].name;
}

const char *unwatched_why_text(enum unwatched_why why)
{
    return unwatched_reasons[why].text;
}

struct report *report_new(void)
{
    return calloc(1, sizeof(struct report));
}

static void free_strings(char **strings)
{
    for (char **at = strings; at && *at; at++)
        free(*at);
    free(strings);
}

void process_report_release(struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++)
        leak_group_release(&process->groups[i]);
    free(process->groups);
    for (size_t i = 0; i < process->failed_count; i++)
        free(process->failed[i].place.stack);
    free(process->failed);
    free(process->untracked);
    free(process->main);
    site_counts_release(&process->sites);
    site_table_free(process->site_table);
    free(process->lives);
    findings_release(&process->findings);
    stacks_free(process->stacks);
    free(process->measures);
    suppressions_free(process->program_rules);
    free(process->program_rules_error);
    free(process->exe);
    free(process->test);
    free(process->argv);
    free_strings(process->not_seen);
    free_strings(process->replaced);
}

void unwatched_free(struct unwatched *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].name);
        free(items[i].exe);
    }
    free(items);
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->process_count; i++)
        process_report_release(&report->processes[i]);
    free(report->processes);
    free(report->counted);
    free(report->used_rules);
    unwatched_free(report->unwatched, report->unwatched_count);
    free_strings(report->argv);
    free(report);
}

const char *command_name(const struct process_report *process)
{
    const char *called = process->argv ? process->argv[0] : NULL;
    if (called && *called && !(process->exe && text_begins_with(called, "/proc/")))
        return called;
    return process->exe ? process->exe : "?";
}
