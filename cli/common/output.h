/*
 * Where a report goes.  A regular file comes into being whole or not at all: it
 * is written beside its target and renamed by output_commit.  Whatever is there
 * already and is not a regular file (a terminal, a pipe, /dev/null), and what
 * /dev/stdout, /dev/stderr and /dev/fd/N stand for, is written directly, by one
 * write(2) in the end, so that the reports of several processes do not mix.
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
    bool owned;      /* direct is ours to close */
    char *text;      /* that memory */
    size_t size;     /* of the text, after a flush */
    char *target;    /* NULL: written directly */
    char *temporary; /* renamed to target */
    char *name;      /* as the user gave it, for messages */
};

/* path NULL: writes to `fallback`, which stays open; "-": to standard output. False: error names the path
 * that cannot be written. */
bool output_open(struct output *output, const char *path, FILE *fallback, struct error *error);

/* Flushes and closes the file, and renames it to its target. False: a write failed, and the target is
 * unchanged. Releases `output` in either case. */
bool output_commit(struct output *output, struct error *error);

/* Releases it and leaves the target unchanged. */
void output_abandon(struct output *output);

/* Writes all of it, also when another process made the descriptor non-blocking. False: errno says why. */
bool output_write_all(int fd, const char *text, size_t size);

/* Is the report written there in color? Respects NO_COLOR, CLICOLOR_FORCE and TERM=dumb. */
bool output_color(int fd, enum option_color color);
/* The descriptor that the report is written to. */
int output_descriptor(const struct output *output);

#endif
