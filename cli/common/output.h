/*
 * The destination of a report. A regular file is created completely or not at all: the report goes to a
 * temporary file, which output_commit renames. An existing file of another kind (a terminal, a pipe,
 * /dev/null), and /dev/stdout, /dev/stderr and /dev/fd/N are written directly. That is one write(2) at the
 * end, so that reports of several processes do not mix.
 */
#ifndef THREADLEAK_CLI_COMMON_OUTPUT_H
#define THREADLEAK_CLI_COMMON_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "common/options.h" /* enum option_color */

struct output {
    FILE *file;      /* write here: the temporary, or memory */
    FILE *direct;    /* gets what is in memory; NULL: file is the temporary */
    bool owned;      /* close `direct` at the end */
    char *text;      /* that memory */
    size_t size;     /* bytes of text, after a flush */
    char *target;    /* NULL: written directly */
    char *temporary; /* renamed to target */
    char *name;      /* path from the user, for messages */
};

/* path NULL: writes to `fallback` and does not close it; "-": writes to standard output. False: error names
 * the path that cannot be written. */
bool output_open(struct output *output, const char *path, FILE *fallback, struct error *error);

/* Can output_open open it? It keeps no file, because a signal may end this process until the file is written.
 * False: error names the path. */
bool output_check(const char *path, struct error *error);

/* A path like /dev/fd/N that output_open gets later: makes that descriptor close-on-exec, as this program's
 * own are. path: can be NULL. */
void output_keep(const char *path);

/* Flushes and closes the file, and renames it to its target. False: a write failed, and the target is
 * unchanged. Releases `output` in either case. */
bool output_commit(struct output *output, struct error *error);

/* Releases it and does not change the target. */
void output_abandon(struct output *output);

/* Writes all of it, even if another process made the descriptor non-blocking. False with errno. */
bool output_write_all(int fd, const char *text, size_t size);

/* Is the report written there in color? Respects NO_COLOR, CLICOLOR_FORCE and TERM=dumb. */
bool output_color(int fd, enum option_color color);
/* The descriptor that the report is written to. */
int output_descriptor(const struct output *output);

#endif
