/* What `threadleak watch` prints: a verdict, a table of sites, an object for each sample. */
#ifndef THREADLEAK_CLI_WATCH_PRINT_H
#define THREADLEAK_CLI_WATCH_PRINT_H

#include <stdio.h>

#include "cli/watch/watched.h"

/* The verdict line, and the facts below it. */
void print_verdict(FILE *out, const struct watched *watched, size_t site, enum watch_why why);
/* The sites, those that grow first, at most `rows` lines, each below `width` columns; sparks: with the latest
 * samples as bars. Returns the number of lines. */
size_t print_sites(FILE *out, const struct watched *watched, size_t rows, size_t width, bool sparks);
/* One line of JSON. error: why there is no sample; NULL: there is one. False with errno. */
bool print_sample(FILE *out, const struct watched *watched, const char *error);

#endif
