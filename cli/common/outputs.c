#include "cli/common/outputs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/common/cli.h"
#include "cli/common/terminal.h"

/* ---- the command line ------------------------------------------------------------------- */

static const struct report_format *find_format(const char *value, struct error *error)
{
    char name[32];
    size_t length = strcspn(value, ":");
    snprintf(name, sizeof(name), "%.*s", (int)length, value);
    const struct report_format *format = length < sizeof(name) ? report_format_find(name) : NULL;
    if (!format)
        error_set(error, "--format=%.*s: unknown format; use %s", (int)length, value, report_format_names());
    return format;
}

bool wanted_set_format(void *line, const struct command_option *option, const char *value,
                       struct error *error)
{
    struct wanted_outputs *wanted = command_member(line, option);
    const struct report_format *format = find_format(value, error);
    const char *colon = strchr(value, ':');
    if (!format)
        return false;
    if (wanted->count == OUTPUTS_MAX)
        return error_set(error, "--format may be given %d times", OUTPUTS_MAX);
    struct wanted_output *item = &wanted->items[wanted->count++];
    *item = (struct wanted_output){.format = format,
                                   .named_by = colon ? FILE_OF_FORMAT : FILE_OF_OUTPUT,
                                   .file = colon ? colon + 1 : NULL};
    if (item->file) {
        wanted->any_file = true;
    } else {
        item->file = wanted->file;
        wanted->file = NULL;
    }
    return true;
}

bool wanted_set_file(void *line, const struct command_option *option, const char *file, struct error *error)
{
    struct wanted_outputs *wanted = command_member(line, option);
    wanted->any_file = true;
    for (size_t i = wanted->count; i-- > 0;) {
        if (wanted->items[i].file)
            continue;
        wanted->items[i].file = file;
        return true;
    }
    if (wanted->file || wanted->count)
        return error_set(error, "-o %s: no --format for this file; give one --format for each -o", file);
    wanted->file = file;
    return true;
}

bool wanted_set_stacks(void *line, const struct command_option *option, const char *value,
                       struct error *error)
{
    struct wanted_outputs *wanted = command_member(line, option);
    wanted->by_creation = strcmp(value, "creation") == 0;
    if (wanted->by_creation || strcmp(value, "current") == 0)
        return true;
    return error_set(error, "--stacks=%s is not current or creation", value);
}

static bool same_destination(const char *a, const char *b)
{
    a = strcmp(a, "/dev/stdout") ? a : "-";
    b = strcmp(b, "/dev/stdout") ? b : "-";
    return !strcmp(a, b) && strcmp(a, "/dev/null") != 0;
}

static bool are_different(const struct wanted_outputs *wanted, const char *standard, struct error *error)
{
    for (size_t i = 0; i < wanted->count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct wanted_output *a = &wanted->items[j], *b = &wanted->items[i];
            if (!same_destination(a->file ? a->file : standard, b->file ? b->file : standard))
                continue;
            return error_set(
                error, "%s and %s go to the same place, %s; give each a file, as --format=%s:FILE",
                a->format->name, b->format->name, b->file ? b->file : "the default", b->format->name);
        }
    return true;
}

bool wanted_complete(struct wanted_outputs *wanted, const char *standard, const struct report_format *format,
                     const char *file, struct error *error)
{
    if (!wanted->count)
        wanted->items[wanted->count++] = (struct wanted_output){.format = format, .file = wanted->file};
    for (size_t i = 0; i < wanted->count; i++)
        if (!wanted->items[i].file && file) {
            wanted->items[i].file = file;
            wanted->items[i].named_by = FILE_OF_KEY;
        }
    return are_different(wanted, standard, error);
}

bool wanted_spares(const struct wanted_outputs *wanted, const char *option, const char *file,
                   struct error *error)
{
    for (size_t i = 0; file && strcmp(file, "-") != 0 && i < wanted->count; i++)
        if (wanted->items[i].file && same_destination(wanted->items[i].file, file))
            return error_set(error, "%s=%s is also the file of the report; give each its own", option, file);
    return true;
}

bool wanted_has_all_sites(const struct wanted_outputs *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->items[i].format->all_sites)
            return true;
    return false;
}

bool wanted_has_text(const struct wanted_outputs *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->items[i].format->for_people)
            return true;
    return false;
}

bool wanted_has_bare_document(const struct wanted_outputs *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!wanted->items[i].format->is_log && !wanted->items[i].file)
            return true;
    return false;
}

/* ---- files -------------------------------------------------------------------------------- */

/* Do both have the same target? Neither target has to exist. */
static bool same_target(const struct output *a, const struct output *b)
{
    struct stat first, second;
    if (!a->target || !b->target)
        return false;
    const char *name_a = path_basename(a->target), *name_b = path_basename(b->target);
    if (strcmp(name_a, name_b) != 0)
        return false;
    char directory_a[PATH_MAX], directory_b[PATH_MAX];
    snprintf(directory_a, sizeof(directory_a), "%.*s.", (int)(name_a - a->target), a->target);
    snprintf(directory_b, sizeof(directory_b), "%.*s.", (int)(name_b - b->target), b->target);
    return stat(directory_a, &first) == 0 && stat(directory_b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* Puts the option that names the file before the error. */
static bool name_option(const struct wanted_output *wanted, struct error *error)
{
    char format[48];
    snprintf(format, sizeof(format), "--format=%s:", wanted->format->name);
    static const char *const names[] = {[FILE_OF_OUTPUT] = "-o ", [FILE_OF_KEY] = "log_path="};
    return error_prefix(error, wanted->named_by == FILE_OF_FORMAT ? format : names[wanted->named_by]);
}

static bool open_one(struct output *output, const struct wanted_output *wanted,
                     const struct outputs_subject *subject, FILE *fallback, struct error *error)
{
    char path[PATH_MAX];
    if (!wanted->file)
        return output_open(output, NULL, fallback, error);
    if (!options_expand_path(path, sizeof(path), wanted->file, subject->pid, subject->exe))
        return error_set(error, "%.200s...: the path is too long", wanted->file);
    return output_open(output, path, fallback, error) || name_option(wanted, error);
}

/* Its bytes would change the terminal's state. */
static bool is_for_terminal(const struct output *output, const struct wanted_output *wanted,
                            struct error *error)
{
    const char *name = wanted->format->name;
    if (!wanted->format->is_binary || !isatty(output_descriptor(output)))
        return true;
    return error_set(error, "--format=%s is binary, and is not written to a terminal; use --format=%s:FILE",
                     name, name);
}

bool outputs_add(struct outputs *outputs, const struct wanted_output *wanted,
                 const struct outputs_subject *subject, FILE *fallback, struct error *error)
{
    struct output *output = &outputs->items[outputs->count];
    if (!open_one(output, wanted, subject, fallback, error))
        return false;
    if (!is_for_terminal(output, wanted, error)) {
        output_abandon(output);
        return false;
    }
    for (size_t i = 0; i < outputs->count; i++) {
        if (!same_target(output, &outputs->items[i]))
            continue;
        error_set(error, "%s and %s are one file; give each format its own", outputs->items[i].name,
                  output->name);
        output_abandon(output);
        return false;
    }
    outputs->temporaries[outputs->count] = output->temporary;
    outputs->formats[outputs->count++] = wanted->format;
    return true;
}

bool outputs_lack_side_file(const struct report_format *format, FILE *out, struct error *error)
{
    int reason = errno;
    const char *path = format->side_file ? format->side_file() : NULL;
    if (!path || ferror(out) || reason == ENOMEM)
        return false;
    error_set(error, "%.200s could not be written: %s", path, strerror(reason));
    return true;
}

static bool print_one(const struct output *output, const struct report_format *format,
                      const struct report *report, const struct outputs_style *how)
{
    struct report_style style = how->style;
    bool nothing = !report->summary.leaked_threads && !report->summary.crashed && report->timed_out_s <= 0;
    if (format->for_people && nothing && how->text_if_leaks)
        return true;
    style.color = output_color(output_descriptor(output), how->color);
    style.width = terminal_width(output_descriptor(output));
    style.ascii = terminal_is_ascii();
    return report_print(format, output->file, report, &style);
}

/* A report is still committed if only its side file failed. */
static bool write_one(struct outputs *outputs, size_t index, const struct report *report,
                      const struct outputs_style *how, struct error *error)
{
    struct output *output = &outputs->items[index];
    const struct report_format *format = outputs->formats[index];
    bool printed = print_one(output, format, report, how);
    bool whole = printed || outputs_lack_side_file(format, output->file, error);
    int why = errno;
    struct error other;
    outputs->temporaries[index] = NULL; /* output_commit or output_abandon frees it */
    if (whole)
        return output_commit(output, printed ? error : &other) && printed;
    error_set(error, "%s could not be written: %s", output->name ? output->name : "the report",
              strerror(why));
    output_abandon(output);
    return false;
}

bool outputs_write(struct outputs *outputs, const char *command, const struct report *report,
                   const struct outputs_style *style)
{
    bool done = true;
    for (size_t i = 0; i < outputs->count; i++) {
        struct error error = {""};
        if (!write_one(outputs, i, report, style, &error)) {
            cli_message("%s: %s", command, error.text);
            done = false;
        }
    }
    memset(outputs, 0, sizeof(*outputs));
    return done;
}

void outputs_abandon(struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        outputs->temporaries[i] = NULL;
        output_abandon(&outputs->items[i]);
    }
    memset(outputs, 0, sizeof(*outputs));
}
