#include "cli/run/per_process.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "leak/build.h"
#include "cli/common/cli.h"

/* ---- patterns ---------------------------------------------------------------------------- */

bool per_process_is_split(const struct wanted_output *wanted)
{
    return wanted->file && strcmp(wanted->file, "-") != 0 && strncmp(wanted->file, "/dev/", 5) != 0;
}

/* Reads it as options_expand_path does: "%%p" has no pid. */
static bool has_pid(const char *pattern)
{
    for (const char *at = strchr(pattern, '%'); at; at = strchr(at, '%')) {
        if (at[1] == 'p')
            return true;
        at += at[1] == '%' ? 2 : 1;
    }
    return false;
}

/* The name of a directory with %p or %h is not known yet. */
static bool is_directory_writable(const char *pattern)
{
    char directory[PATH_MAX];
    int length = (int)(path_basename(pattern) - pattern);
    if (memchr(pattern, '%', (size_t)length))
        return true;
    snprintf(directory, sizeof(directory), "%.*s.", length, pattern);
    return access(directory, W_OK | X_OK) == 0;
}

bool per_process_check(const struct wanted_outputs *wanted, struct error *error)
{
    bool any = false;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct wanted_output *item = &wanted->items[i];
        if (!per_process_is_split(item))
            continue;
        any = true;
        if (!has_pid(item->file))
            return error_set(error, "--per-process: %s needs a %%p, so that each process has its own file",
                             item->file);
        if (!is_directory_writable(item->file))
            return error_set(error, "%s: cannot be written: %s", item->file, strerror(errno));
    }
    if (!any)
        error_set(error, "--per-process needs a file with %%p in its name, such as -o leaks.%%p.json");
    return any;
}

/* ---- a report of some processes ------------------------------------------------------------ */

static char *path_for(const char *pattern, const struct process_report *process)
{
    char path[PATH_MAX];
    const char *exe = process->exe ? process->exe : "unknown";
    return options_expand_path(path, sizeof(path), pattern, process->pid, exe) ? strdup(path) : NULL;
}

/* Adds the processes that have the path of `first`, and marks them in `done`. */
static void choose(struct report *part, const struct report *report, char *const *paths, size_t first,
                   bool *done)
{
    for (size_t i = first; i < report->process_count; i++) {
        if (!paths[i] || strcmp(paths[i], paths[first]) != 0)
            continue;
        done[i] = true;
        part->processes[part->process_count++] = report->processes[i];
    }
}

/* The processes are shallow copies. The whole report owns their contents. */
static bool write_part(struct outputs *outputs, const struct wanted_output *wanted, struct report *part,
                       const struct outputs_style *style)
{
    const struct process_report *first = &part->processes[0];
    const struct outputs_subject subject = {first->pid, first->exe ? first->exe : "unknown"};
    struct error error = {""};
    part->summary.processes = 1;
    report_finish(part);
    if (outputs_add(outputs, wanted, &subject, stderr, &error))
        return outputs_write(outputs, "run", part, style);
    cli_message("run: %s", error.text);
    return false;
}

static bool write_parts(struct outputs *outputs, const struct wanted_output *wanted,
                        const struct report *report, char *const *paths, const struct outputs_style *style)
{
    bool *done = calloc(report->process_count + 1, sizeof(*done));
    struct process_report *chosen = calloc(report->process_count + 1, sizeof(*chosen));
    bool good = true;
    if (!done || !chosen) {
        cli_message("run: out of memory");
        free(done);
        free(chosen);
        return false;
    }
    for (size_t i = 0; i < report->process_count; i++) {
        if (!report->processes[i].counts.created || done[i])
            continue;
        if (!paths[i]) {
            cli_message("run: %.200s...: the path is too long", wanted->file);
            good = false;
            continue;
        }
        struct report part = {.argv = report->argv, .processes = chosen, .timed_out_s = report->timed_out_s};
        choose(&part, report, paths, i, done);
        good = write_part(outputs, wanted, &part, style) && good;
    }
    free(done);
    free(chosen);
    return good;
}

static bool write_all(struct outputs *outputs, const struct wanted_output *wanted,
                      const struct report *report, const struct outputs_style *style)
{
    char **paths = calloc(report->process_count + 1, sizeof(*paths));
    if (!paths) {
        cli_message("run: out of memory");
        return false;
    }
    for (size_t i = 0; i < report->process_count; i++)
        paths[i] = path_for(wanted->file, &report->processes[i]);
    bool good = write_parts(outputs, wanted, report, paths, style);
    for (size_t i = 0; i < report->process_count; i++)
        free(paths[i]);
    free(paths);
    return good;
}

bool per_process_write(struct outputs *outputs, const struct wanted_outputs *wanted,
                       const struct report *report, const struct outputs_style *style)
{
    /* Writes a text file even if nothing leaked, because a missing file has another meaning. */
    struct outputs_style whole = *style;
    bool good = true;
    whole.text_if_leaks = false;
    for (size_t i = 0; i < wanted->count; i++)
        if (per_process_is_split(&wanted->items[i]))
            good = write_all(outputs, &wanted->items[i], report, &whole) && good;
    return good;
}
