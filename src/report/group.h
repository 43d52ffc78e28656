/* One leak group as text: what report_text.c is made of. */
#ifndef THREADLEAK_REPORT_GROUP_H
#define THREADLEAK_REPORT_GROUP_H

#include "report/report.h"

/* More only when asked for all: threads of a line, and places where those of a group are. */
#define THREADS_SHOWN 8
#define BLOCKS_SHOWN 6

struct printer {
    FILE *out;
    const struct report_style *style;
    const struct process_report *process; /* that is being printed; NULL: none */
};

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

/*
 * What its threads run: the start routine, but where that is a runtime's (std::thread's, Rust's), which
 * says nothing of what the user gave it, what it called, as far as all current stacks tell.  NULL: not known.
 */
const struct frame *what_runs(const struct leak_group *group);

/* In full, after an empty line. */
void print_group(const struct printer *printer, const struct leak_group *group);
/* One that does not count, in a line. */
void print_group_short(const struct printer *printer, const struct leak_group *group);

#endif
