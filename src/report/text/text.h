/*
 * The parts of the text report, and of the format "tree". All share colors, and stacks with one frame a line
 * (printer.c, frames.c).
 *
 * The functions print to printer->out, whose ferror() the caller checks. They escape names and paths of the
 * watched program. They own nothing: the report must outlive the call.
 */
#ifndef THREADLEAK_REPORT_TEXT_TEXT_H
#define THREADLEAK_REPORT_TEXT_TEXT_H

#include "report/common/named.h"
#include "report/common/format.h"

struct printer {
    FILE *out;
    const struct report_style *style;
    const struct process_report *process; /* the process that is being printed; NULL: none */
    const struct report *report;          /* that is being printed */
    const struct named_threads *named;    /* the threads that its findings name; NULL: none */
    bool *shortened;                      /* set when something is left out that -v shows; NULL: not needed */
};

/* Notes that something is left out. */
void note_shortened(const struct printer *printer);

enum paint { PLAIN, BOLD, DIM };
/* Does nothing when the style has no colors. */
void paint(const struct printer *printer, enum paint how);

/* Does the user want whole paths and the frames of runtimes? */
bool is_verbose(const struct printer *printer);

/* "worker   pool.c:27": the function, then its place at `column` of them.  `indent`: columns before it.  Both
 * are shortened to fit the terminal, unless verbose. */
void put_frame(const struct printer *printer, const struct frame *frame, size_t indent, size_t column);

/* The columns of the function in that line. */
size_t frame_name_width(const struct printer *printer, const struct frame *frame, size_t indent);

struct frames {
    const struct frame *items; /* leaf first */
    size_t count;
    const struct frame *user_frame; /* the first user frame; NULL: none */
};

/* Removes frames of runtimes, unless verbose. It keeps the outermost of those at the leaf, which is the
 * function that the user called. */
struct frames shown_frames(const struct printer *printer, struct frames frames);

/*
 * Prints one frame a line, and marks the first user frame.  Unless verbose, one line replaces a row of more
 * than 8 frames without names.  max: of more lines the middle is omitted; 0: none is.
 */
void put_frames(const struct printer *printer, const struct frames *frames, size_t max);

/* A process (process.c). `alone`: it is the only process of the report. */
void print_process(const struct printer *printer, const struct process_report *process, bool alone);

/* Its lines before (head.c) and after the threads (foot.c). The foot is that of a report that hides no group.
 */
void print_process_head(const struct printer *printer, const struct process_report *process, bool alone);
void print_process_foot(const struct printer *printer, const struct process_report *process);

/* The verdict of each process that has one, in one line (findings.c). False: there is none. */
bool print_verdicts(const struct printer *printer, const struct report *report);

/* Whether it was checked which threads are stuck, if that says more than the findings. */
void print_reach(const struct printer *printer, const struct stacks *stacks);
/* The findings of a process, each after an empty line. False: there are none. */
bool print_findings(const struct printer *printer, const struct process_report *process);

/* What a proof assumes, and then why it is only likely. */
void print_assumed(const struct printer *printer, const char *assumed);

/* The groups of a process (groups.c): in full those that are counted, or all that no rule suppresses. True:
 * the last one was printed in full. */
bool print_groups(const struct printer *printer, const struct process_report *process, bool all);
/* Is it printed in full? Of those that are suppressed, verbose, style.all and a finding that names a thread
 * ask for it. */
bool is_full_group(const struct printer *printer, const struct leak_group *group, bool all);
/* Only the rule is printed of a group that a built-in rule suppresses. */
bool is_hidden_group(const struct leak_group *group);

/* A leak group in full (group.c), after an empty line. */
void print_group(const struct printer *printer, const struct leak_group *group);

/* The creations that failed (failed.c), each after an empty line. False: there are none. */
bool print_failed_creations(const struct printer *printer, const struct process_report *process);

/* The groups of one site in one line, for quiet reports: those that are counted, unless the program has
 * listed them; of a process that is alive and not judged, those that are not suppressed. */
void print_site(const struct printer *printer, const struct process_report *process, size_t site);
/* It was read while it was alive, or from its core file. */
bool is_snapshot(const struct process_report *process);

/* Whether the threads of a group can be joined, and are: "joinable, never joined" (joins.c). */
void put_joins(const struct printer *printer, const struct leak_group *group);
/* Joins of threads of its site: one that is under way, and how many were. */
void print_joins(const struct printer *printer, const struct leak_group *group);

/* Is it the name of threads that were given none: that of the program? */
bool is_process_name(const struct printer *printer, const char *name);

/* Where the handles of a group's threads are stored (handles.c); nothing where that is not known. */
void print_handles(const struct printer *printer, const struct leak_group *group);

/* A group that is not counted, in one line. */
void print_group_short(const struct printer *printer, const struct leak_group *group);

/* Blocks of threads that print_stacks() shows unless style.all asks for all. */
#define BLOCKS_SHOWN 6

/* Threads in lines (stacks.c), at most 8 unless `all`, when they have one stack and one wait.  Otherwise
 * print_stacks() names those of each block, and this prints nothing. */
void print_names(const struct printer *printer, const struct thread_info *threads, size_t count, bool all);

/* A block for each stack and wait: what the threads wait for, and the stack.  Prints nothing when no stack
 * was taken. */
void print_stacks(const struct printer *printer, const struct thread_info *threads, size_t count);

#endif
