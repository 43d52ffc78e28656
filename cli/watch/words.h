/* How `threadleak watch` names sites, rates and times. Everything is safe for a terminal. */
#ifndef THREADLEAK_CLI_WATCH_WORDS_H
#define THREADLEAK_CLI_WATCH_WORDS_H

#include "base/text.h"
#include "cli/watch/watched.h"

enum { RATE_TEXT = 24, TIME_TEXT = 32 };

/* "+40.0/s", "+12/min", "+3/h"; "-": 0. Returns `text`. */
const char *rate_text(double per_s, char text[RATE_TEXT]);
/* "4.2 s", "3 min", "5 h", "12 days". */
const char *time_text(double seconds, char text[TIME_TEXT]);

/* Of the creator: "file.c:18", or "" if that is not known. */
void line_add_place(struct line *line, const struct site_count *item);
/* "media_file_new", "start routine element_loop" if only that is known, or "unknown place". width: in about
 * so many columns; 0: in full. */
void line_add_function(struct line *line, const struct site_count *item, size_t width);

/* "LEAK GROWS: 164 threads created at growth.c:18 by media_file_new, +40.0/s" */
void line_add_verdict(struct line *line, const struct watched *watched, size_t site, enum watch_why why);
/* The code of a reason in JSON: "growing", "above-threshold", "waits-too-long". */
const char *why_code(enum watch_why why);

#endif
