/* The page that `serve` shows. It fetches its data again and again. */
#ifndef THREADLEAK_REPORT_HTML_LIVE_PAGE_H
#define THREADLEAK_REPORT_HTML_LIVE_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "leak/model.h"

/* Writes the page of the format "html" without data. `source`: a URL of the same server, from which the page
 * fetches them. It is a constant of the caller, and is not escaped. A failed write sets ferror(out). */
void report_print_live_page(FILE *out, const char *source);

/* Writes what that URL must give, as application/json. False: out of memory. */
bool report_print_page_data(FILE *out, const struct report *report);

#endif
