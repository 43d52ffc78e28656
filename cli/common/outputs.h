/*
 * The reports of one run: each of a format and with a destination of its own,
 * as --format=FORMAT[:FILE] and -o FILE say.
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

/* ---- what the command line asks for ---------------------------------------------------- */

struct wanted_output {
    const struct report_format *format;
    const char *file; /* with %p and %h; "-": standard output; NULL: the default */
};

struct wanted_outputs {
    struct wanted_output items[OUTPUTS_MAX];
    size_t count;
    const char *file; /* of a -o that came before any --format */
    bool any_file;    /* some file was given */
};

/* For the rows of --format and -o: `offset` is that of a struct wanted_outputs.  The value must live as long.
 */
command_set_fn wanted_set_format, wanted_set_file;
/* After the last option.  Without any --format there is one output of `format`; `file` (or NULL) is for
 * those without a file.  `standard` is the file that NULL means.  False, and an error, when two go to the
 * same place. */
bool wanted_complete(struct wanted_outputs *wanted, const char *standard, const struct report_format *format,
                     const char *file, struct error *error);

/* Is one of them text? Is one that is not text written to the default destination? */
bool wanted_has_text(const struct wanted_outputs *wanted);
bool wanted_has_bare_document(const struct wanted_outputs *wanted);

/* ---- files ------------------------------------------------------------------------------- */

struct outputs {
    struct output items[OUTPUTS_MAX];
    const struct report_format *formats[OUTPUTS_MAX];
    size_t count;
    const char *volatile temporaries[OUTPUTS_MAX]; /* to remove when a signal ends the process; or NULL */
};

struct outputs_style {
    struct report_style style;
    enum option_color color; /* decides style.color for each */
    bool text_if_leaks;      /* no text when nothing leaked */
};

/* The process that %p and %h name. */
struct outputs_subject {
    pid_t pid;
    const char *exe;
};

/* Adds one. False: error; it cannot be written, or has the file of another. */
bool outputs_add(struct outputs *outputs, const struct wanted_output *wanted,
                 const struct outputs_subject *subject, FILE *fallback, struct error *error);

/* After print() failed with errno: true when only the side file could not be written, and `out` has
 * the whole report.  The error then names that file. */
bool outputs_lack_side_file(const struct report_format *format, FILE *out, struct error *error);

/* Writes all and releases them. One that fails does not stop the others. False: at least one failed; a
 * message was printed. */
bool outputs_write(struct outputs *outputs, const char *command, const struct report *report,
                   const struct outputs_style *style);
void outputs_abandon(struct outputs *outputs);

#endif
