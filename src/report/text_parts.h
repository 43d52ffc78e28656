/*
 * Small pieces of text for people: durations, names, places, lists of threads.
 * Everything that comes from a watched program is escaped on its way out: a
 * thread's name must not be able to drive a terminal.
 */
#ifndef THREADLEAK_REPORT_TEXT_PARTS_H
#define THREADLEAK_REPORT_TEXT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/escape.h"
#include "leak/model.h"

/* "35 ms", "1.2 s", "3 min 20 s", "5 h 2 min"; "?" below zero. */
void format_duration(char *out, size_t size, double seconds);
/* "1.2 s" or "0.3 to 1.2 s". */
void format_range(char *out, size_t size, double low, double high);

/* The function, or module+0xoffset.  Longer than `width`: as function_shorten() has it, and if that is not
 * enough, cut in its middle. */
void format_function(char *out, size_t size, const struct frame *frame, size_t width);
/* file:line (below the working directory: relative to it), or the module. */
void format_place(char *out, size_t size, const struct frame *frame, bool whole);

/* "exit status 0", "killed by signal 11 (Segmentation fault)", … */
void format_end(char *out, size_t size, const struct process_report *process);

/* The command with its arguments, those that a shell would take apart in quotes; cut
 * off with "..." before `width` columns are full. */
void put_command(FILE *out, char *const *argv, size_t width);

/* " in test NAME"; nothing where it is not known. */
void put_test(FILE *out, const char *test);

/* Threads in a row, or chosen ones. */
struct thread_list {
    const struct thread_info *threads;       /* or: */
    const struct thread_info *const *chosen; /* NULL: the former */
    size_t count;
};
/* Lines of T3 "worker" tid 4245, T4 …: at most `most` of them, then how many more. */
void put_threads(FILE *out, const struct thread_list *list, size_t most);

#endif
