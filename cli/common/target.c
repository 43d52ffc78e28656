#include "cli/common/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/common/cli.h"
#include "cli/common/findings.h"
#include "cli/common/named.h"
#include "core/core.h"
#include "leak/reported.h"
#include "proc/file.h"
#include "proc/process.h"
#include "snapshot/snapshot.h"
#include "common/run_protocol.h"

static bool judge(struct report_target *job, struct evidence *evidence)
{
    const struct verdict_rules rules = {
        .kinds = job->options->report,
        .judge = job->options->judge,
        .judge_live = job->judge_live,
        .suppressions = job->suppressions,
        .all_sites = job->all_sites,
        .find = job->find,
        .symbolizer = job->symbolizer,
    };
    if (job->all_sites)
        evidence_measure(evidence);
    return report_add(job->report, evidence, &rules, &job->error);
}

/* ---- a process --------------------------------------------------------------------- */

/* NULL without an error: not wanted. NULL with an error: no such process. */
static struct stacks *take_stacks(struct report_target *job, pid_t pid, const struct ledger *ledger)
{
    const struct stacks_options options = {
        .symbolizer = job->symbolizer,
        .ledger = ledger,
        .reach = finding_reach(job->find, REACH_MODERATE),
    };
    return job->no_stop ? NULL : stacks_take(pid, &options, &job->error);
}

static bool add_taken(struct report_target *job, pid_t pid, const struct ledger *ledger)
{
    struct evidence evidence;
    struct stacks *stacks = take_stacks(job, pid, ledger);
    if (!stacks && !job->no_stop)
        return false;
    return evidence_of_process(&evidence, pid, ledger, stacks, &job->error) && judge(job, &evidence);
}

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

/* COMMAND is its only child. /proc/PID/task/TID/children would be faster, but not every kernel has it. */
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

static bool add_unwatched(struct report_target *job, pid_t pid)
{
    pid_t command = run_command_of(pid);
    if (command > 0)
        return error_set(&job->error,
                         "process %d is threadleak run itself; report its command: threadleak report %d",
                         (int)pid, (int)command);
    return add_taken(job, pid, NULL);
}

static bool add_process(struct report_target *job, long pid)
{
    struct ledger *ledger = NULL;
    symbolizer_see_as(job->symbolizer, (pid_t)pid);
    switch (ledger_open_process((pid_t)pid, &ledger, &job->error)) {
    case LEDGER_OPEN_OK:
        break;
    case LEDGER_OPEN_NOT_WATCHED:
        return add_unwatched(job, (pid_t)pid);
    case LEDGER_OPEN_FAILED:
        return false;
    }
    bool added = add_taken(job, (pid_t)pid, ledger);
    ledger_close(ledger);
    return added;
}

/* ---- files of a dead process ----------------------------------------------------------- */

/* What `report --format=json` wrote begins with its schema. */
static bool is_json_report(const char *path)
{
    struct stat status;
    char beginning[4096];
    int fd = regular_file_open(path, &status);
    if (fd < 0)
        return false;
    size_t n = pread_all(fd, 0, beginning, sizeof(beginning) - 1);
    close(fd);
    beginning[n] = 0;
    return reported_is_json(beginning, n) && strstr(beginning, "\"threadleak/1\"");
}

static bool add_file(struct report_target *job, const char *path)
{
    struct ledger *ledger = NULL;
    if (is_json_report(path))
        return error_set(&job->error, "%s is a JSON report; compare it with 'threadleak diff'", path);
    if (ledger_open_file(path, &ledger, &job->error) != LEDGER_OPEN_OK)
        return false;
    struct evidence evidence;
    const struct process_end end = {.alive = ledger_file_in_use(path, ledger_get_header(ledger)->pid)};
    symbolizer_unchanged_since(job->symbolizer, ledger_get_header(ledger)->started_wall_ns);
    bool added = evidence_of_ledger(&evidence, ledger, &end, NULL, &job->error) && judge(job, &evidence);
    ledger_close(ledger);
    return added;
}

/* Prints what is missing in a core file. The report has the rest. */
static void print_notice(const char *notice)
{
    if (*notice)
        cli_message("report: %s", notice);
}

static bool judge_core(struct report_target *job, struct evidence *evidence, enum ledger_open_status status)
{
    evidence->ledger_is_missing = status == LEDGER_OPEN_FAILED;
    return judge(job, evidence);
}

static bool add_opened_core(struct report_target *job, const struct core_file *core)
{
    struct ledger *ledger = NULL;
    struct snapshot *snapshot = NULL;
    struct error note = {""}, why = {""};
    print_notice(core->notice.text);
    /* The report contains that it was not watched. */
    enum ledger_open_status status = ledger_open_core(core, &ledger, &note);
    if (status != LEDGER_OPEN_NOT_WATCHED)
        print_notice(note.text);
    const struct stacks_options options = {
        .symbolizer = job->symbolizer,
        .ledger = ledger,
        .reach = finding_reach(job->find, REACH_MODERATE),
    };
    struct stacks *current = NULL;
    if (snapshot_open_core(core, &snapshot, &why) == SNAPSHOT_OK)
        current = stacks_from_snapshot(snapshot, STACK_SOURCE_CORE, &options, &why);
    if (!current && strcmp(why.text, core->notice.text) != 0)
        print_notice(why.text);
    bool added = false;
    struct evidence evidence;
    if (ledger || current)
        added = evidence_of_core(&evidence, core, ledger, current, &job->error) &&
                judge_core(job, &evidence, status);
    else
        error_set(&job->error, "%s: no thread and no ledger in this core", core->path);
    snapshot_free(snapshot);
    ledger_close(ledger);
    return added;
}

static bool add_core(struct report_target *job, const char *path)
{
    struct core_file *core = core_file_open(path, &job->error);
    bool added = core && add_opened_core(job, core);
    core_file_close(core);
    return added;
}

static int is_ledger_name(const struct dirent *entry)
{
    return text_begins_with(entry->d_name, LEDGER_FILE_PREFIX);
}

static bool add_entry(struct report_target *job, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (length > 0 && (size_t)length < sizeof(path))
        return add_file(job, path);
    return error_set(&job->error, "%s: %s", directory, strerror(ENAMETOOLONG));
}

/* The directory of a run: reports all readable ledgers, and prints a line for each unreadable one. If all are
 * unreadable, the caller prints the last line. */
static bool add_directory(struct report_target *job, const char *directory)
{
    struct dirent **entries;
    size_t added = 0, failed = 0;
    int count = scandir(directory, &entries, is_ledger_name, versionsort);
    if (count < 0)
        return error_set(&job->error, "%s: %s", directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        struct error before = job->error;
        if (add_entry(job, directory, entries[i]->d_name))
            added++;
        else if (failed++)
            cli_message("report: %s", before.text);
        free(entries[i]);
    }
    free(entries);
    if (count == 0)
        error_set(
            &job->error,
            "%s: no ledger in this directory; give the directory of a run in which threads were created",
            directory);
    else if (added && failed)
        cli_message("report: %s", job->error.text);
    return added > 0;
}

/* ---- the choice ---------------------------------------------------------------------- */

static bool is_number(const char *text)
{
    const char *at = text;
    while (isdigit((unsigned char)*at))
        at++;
    return at > text && !*at;
}

/* A name is a file if that is one of threadleak's. A program in the working directory often has the name of
 * its process. */
static bool is_our_file(const char *target)
{
    struct stat status;
    return strchr(target, '/') || (stat(target, &status) == 0 && !S_ISREG(status.st_mode)) ||
           core_file_is(target) || text_begins_with(target, LEDGER_FILE_PREFIX);
}

/* False: no process has that name. */
static bool add_by_name(struct report_target *job, const char *name, bool *added)
{
    struct named_processes named;
    named_processes_find(&named, name);
    *added = named.count == 1 && add_process(job, named.pids[0]);
    if (named.count > 1)
        named_processes_error(&named, name, &job->error);
    bool any = named.count > 0;
    named_processes_release(&named);
    return any;
}

bool report_target_add(struct report_target *job, const char *target)
{
    struct stat status;
    long pid;
    bool added;
    if (!*target)
        return error_set(&job->error, "the name is empty; give a PID, a name or a file");
    if (is_number(target)) {
        if (cli_number(target, 1, INT_MAX, &pid))
            return add_process(job, pid);
        return error_set(&job->error, "no process %s", target);
    }
    if (!is_our_file(target) && add_by_name(job, target, &added))
        return added;
    if (stat(target, &status) != 0 && errno == ENOENT && !strchr(target, '/'))
        return error_set(&job->error, "no process and no file is named %s", target);
    if (stat(target, &status) == 0 && S_ISDIR(status.st_mode))
        return add_directory(job, target);
    return core_file_is(target) ? add_core(job, target) : add_file(job, target);
}
