/*
 * The lines of source files around the places of a report.
 *
 * The names of the files come from the debug information of the watched program, which may name any file. So
 * a file is read only if everybody may read and reach it, or if it belongs to this user and that is not root.
 */
#ifndef THREADLEAK_REPORT_HTML_SOURCE_LINES_H
#define THREADLEAK_REPORT_HTML_SOURCE_LINES_H

#include <jansson.h>

#include "leak/model.h"

/* An object: the path of each file that could be read, with the lines around the user frames. The caller
 * releases it. NULL: out of memory. */
json_t *source_lines(const struct report *report);

#endif
