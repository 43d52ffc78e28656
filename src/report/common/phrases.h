/*
 * Processes, threads, durations and frames as people know them.
 *
 * put_*() escape what a program chose itself (names, arguments): it must not drive a terminal.
 */
#ifndef THREADLEAK_REPORT_COMMON_PHRASES_H
#define THREADLEAK_REPORT_COMMON_PHRASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "leak/model.h"
#include "symbolize/symbolize.h"

/* "exit status 0", "killed by signal 11 (Segmentation fault)", … */
void format_end(char *out, size_t size, const struct process_report *process);

/* The command_name() with its arguments, quoted for a shell. It is cut, with "..." at its end, to at most
 * `width` columns; then true is returned. */
bool put_command(FILE *out, const struct process_report *process, size_t width);

/* " in test NAME"; nothing for NULL. */
void put_test(FILE *out, const char *test);

/* The executable of a program that was not watched, or its name as passed to exec; NULL: not known. */
const char *unwatched_program(const struct unwatched *unwatched);

/* T3 "worker", or the known part of it. */
void put_thread_name(FILE *out, const struct thread_info *thread);

/* Lines of T3 "worker" tid 4245, T4 ...: at most `max` threads, then how many more there are.  width: of a
 * line; 0: three in each. */
struct thread_lines {
    size_t max, width;
};
void put_threads(FILE *out, const struct thread_info *const *threads, size_t count,
                 const struct thread_lines *lines);

/* "2 leaked threads at 1 site", "no leaked threads". lost: number of creations that were not recorded. */
void put_leaked(FILE *out, uint64_t threads, uint64_t sites, uint64_t lost);

/* "2 leaked threads at 1 site in 2 of 6 processes" */
void put_summary(FILE *out, const struct report *report);

/* "35 ms", "1.2 s", "3 min 20 s", "5 h 2 min"; "?" below zero. */
void format_duration(char *out, size_t size, double seconds);

/* "1.2 s" or "0.3 s to 1.2 s". */
void format_range(char *out, size_t size, double low, double high);

#define RUNS_TEXT_MAX 128
/* "3 of 50 runs, first with --shake=17". Returns `out`. */
const char *format_runs(char out[RUNS_TEXT_MAX], const struct leak_group *group,
                        const struct report_runs *runs);

#define TIMEOUT_TEXT_MAX 64
/* "timed out after 1.2 s", or "" when the run did not time out.  Returns `out`. */
const char *format_timeout(char out[TIMEOUT_TEXT_MAX], const struct report *report);

/* The two parts of a frame, not escaped: the function, or module+0xoffset.  A name longer than `width` is
 * shortened by function_shorten(), and then cut in its middle. At least 8 columns are used. */
void format_function(char *out, size_t size, const struct frame *frame, size_t width);

/* file:line (below the working directory: relative to it, unless `whole`), or the module. */
void format_place(char *out, size_t size, const struct frame *frame, bool whole);

#endif
