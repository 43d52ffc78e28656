/*
 * The reports of one run. Each has a format and a destination, from --format=FORMAT[:FILE] and -o FILE.
 */
#ifndef THREADLEAK_CLI_COMMON_OUTPUTS_H
#define THREADLEAK_CLI_COMMON_OUTPUTS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "cli/common/command.h"
#include "cli/common/output.h"
#include "report/report.h"

#define OUTPUTS_MAX 16

/* ---- the command line ------------------------------------------------------------------ */

struct wanted_output {
    const struct report_format *format;
    enum { FILE_OF_OUTPUT, FILE_OF_FORMAT, FILE_OF_KEY } named_by; /* -o, --format=F:FILE or log_path= */
    const char *file; /* with %p and %h; "-": standard output; NULL: the default */
};

struct wanted_outputs {
    struct wanted_output items[OUTPUTS_MAX];
    size_t count;
    const char *file; /* from a -o before any --format */
    bool any_file;    /* at least one file was given */
    bool by_creation; /* report_style.by_creation */
};

command_set_fn wanted_set_format, wanted_set_file, wanted_set_stacks;
/* Rows of an option table.  `line`: the struct that the command parses into, with members `outputs` and
 * `verbose`.  The value of -o must be valid as long as that. */
// clang-format off
#define OUTPUT_OPTIONS(line, standard, file_help) \
    {.name = "format", .argument = "F[:FILE]", .key = "format", .set = wanted_set_format, \
     .offset = offsetof(line, outputs)}, \
    {.name = "output", .letter = 'o', .argument = "FILE", .set = wanted_set_file, \
     .offset = offsetof(line, outputs), .initial = standard, .help = file_help}, \
    {.name = "stacks", .argument = "WHICH", .set = wanted_set_stacks, .offset = offsetof(line, outputs), \
     .initial = "current", .words = "current creation", .help = "which stacks tree, folded and pprof have: current, or creation, those that " \
     "created the threads"}
#define VERBOSE_OPTIONS(line, verbose_help) \
    {.name = "quiet", .letter = 'q', .set = command_set_int, .offset = offsetof(line, verbose), .value = -1, \
     .help = "print the summary, and a line for each site: those that leak, or all of a live process"}, \
    {.name = "verbose", .letter = 'v', .set = command_set_int, .offset = offsetof(line, verbose), .value = 1, \
     .help = verbose_help}
// clang-format on

/* Call it after the last option. Without any --format there is one output of `format`. `file` (or NULL) is
 * for outputs without a file. `standard` is the file that NULL means. False with an error: two outputs have
 * the same destination. */
bool wanted_complete(struct wanted_outputs *wanted, const char *standard, const struct report_format *format,
                     const char *file, struct error *error);

/* Call it after wanted_complete. False with an error: a report has the file of `option`. file NULL or "-":
 * true. */
bool wanted_spares(const struct wanted_outputs *wanted, const char *option, const char *file,
                   struct error *error);

/* Does one of them print the counts of all creation sites (verdict_rules.all_sites)? */
bool wanted_has_all_sites(const struct wanted_outputs *wanted);
/* Is one of them text? Is one that is not text written to the default destination? */
bool wanted_has_text(const struct wanted_outputs *wanted);
bool wanted_has_bare_document(const struct wanted_outputs *wanted);

/* ---- files ------------------------------------------------------------------------------- */

struct outputs {
    struct output items[OUTPUTS_MAX];
    const struct report_format *formats[OUTPUTS_MAX];
    size_t count;
    const char *volatile temporaries[OUTPUTS_MAX]; /* files to remove if a signal ends the process; or NULL */
};

struct outputs_style {
    struct report_style style;
    enum option_color color; /* decides style.color for each */
    bool text_if_leaks;      /* no text when nothing leaked or crashed */
};

/* The process for %p and %h. */
struct outputs_subject {
    pid_t pid;
    const char *exe;
};

/* Adds an output. False with an error: it cannot be written, or another output has its file. */
bool outputs_add(struct outputs *outputs, const struct wanted_output *wanted,
                 const struct outputs_subject *subject, FILE *fallback, struct error *error);

/* Call it after print() failed with errno. True: only the side file could not be written, and `out` has the
 * whole report. The error then names that file. */
bool outputs_lack_side_file(const struct report_format *format, FILE *out, struct error *error);

/* Writes all and releases them. It continues after an output that fails. False: at least one failed; a
 * message was printed. */
bool outputs_write(struct outputs *outputs, const char *command, const struct report *report,
                   const struct outputs_style *style);
void outputs_abandon(struct outputs *outputs);

#endif
