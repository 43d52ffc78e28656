/* What all parts of the text report share: colors, and stacks with one frame a line. */
#ifndef THREADLEAK_REPORT_PRINTER_H
#define THREADLEAK_REPORT_PRINTER_H

#include "report/report.h"

struct printer {
    FILE *out;
    const struct report_style *style;
    const struct process_report *process; /* the one that is being printed; NULL: none */
};

enum paint { PLAIN, BOLD, DIM };
/* Does nothing when the style has no colors. */
void paint(const struct printer *printer, enum paint how);

/* The user asked for whole paths and for the frames of runtimes. */
bool is_verbose(const struct printer *printer);

/* "worker   pool.c:27": the function, then its place from `column` on.  `is_user`: shortened less. */
void put_frame(const struct printer *printer, const struct frame *frame, bool is_user, size_t column);

struct frames {
    const struct frame *items; /* leaf first */
    size_t count;
    const struct frame *user_frame; /* the first of the user's own; NULL: none */
};

/* Without frames of runtimes, unless verbose.  Of those at the leaf the outermost stays: it is the function
 * that the user called. */
struct frames shown_frames(const struct printer *printer, struct frames frames);

/* One a line, with the user's first one marked. */
void put_frames(const struct printer *printer, const struct frames *frames);

#endif
