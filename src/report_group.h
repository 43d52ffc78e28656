/* One leak group as text: what report_text.c is made of. */
#ifndef THREADLEAK_REPORT_GROUP_H
#define THREADLEAK_REPORT_GROUP_H

#include "report.h"

#define THREADS_SHOWN 8 /* more only when asked for all */

struct printer {
    FILE *out;
    const struct report_style *style;
    bool *cut; /* becomes true where something is left out that `all` would show; NULL: nobody asks */
};

/* Should this much be cut to that?  Notes it. */
bool cuts(const struct printer *printer, size_t count, size_t most);

enum paint { PLAIN, BOLD, DIM };
/* Nothing when the style has no colors. */
void paint(const struct printer *printer, enum paint how);

/* Frames of a stack, leaf first, one a line; the user's own first one stands out. */
struct shown_frames {
    const struct frame *frames;
    size_t count;
    const struct frame *own; /* NULL: none */
};
void put_frames(const struct printer *printer, const struct shown_frames *shown);

/* In full, after an empty line. */
void print_group(const struct printer *printer, const struct leak_group *group);
/* One that does not count, in a line. */
void print_group_short(const struct printer *printer, const struct leak_group *group);

#endif
