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
    FILE *direct;    /* what is in memory goes there; NULL: file is the temporary */
    bool owned;      /* direct is ours to close */
    char *text;      /* that memory */
    size_t size;     /* and how much is in it, after a flush */
    char *target;    /* NULL: written directly */
    char *temporary; /* renamed to target */
    char *name;      /* as the user gave it, for messages */
};

/* path NULL: `fallback`, which stays open; "-": standard output.  False, and an
 * error that names the path, when nothing can be written there. */
bool output_open(struct output *output, const char *path, FILE *fallback, struct error *error);

/* Flushes, closes and puts the file in its place.  False when any write failed;
 * the target is then as it was.  Either way `output` is released. */
bool output_commit(struct output *output, struct error *error);

/* Releases without putting anything in place. */
void output_abandon(struct output *output);

/* All of it, also where the other side made the descriptor non-blocking.  False: errno says why. */
bool output_write_all(int fd, const char *text, size_t size);

/* Should what is written there be coloured?  Knows NO_COLOR, CLICOLOR_FORCE and dumb terminals. */
bool output_color(int fd, enum option_color color);
/* The descriptor that it ends in. */
int output_descriptor(const struct output *output);

#endif
