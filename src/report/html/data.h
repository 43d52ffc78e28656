/*
 * The data of the page that the format "html" prints. src/report/html/data.js reads it. It is one JSON
 * object:
 *
 *   report     what the format "json" prints, but stacks, waits and findings of threads are numbers: indexes
 *              of `shared`; frames in it are numbers, too: indexes of `frames`. Findings of threads have
 *              no `threads` and `tids`, which are those of the thread itself. So 10,000 threads with the
 *              same stack and findings take little room.
 *   shared     values that several threads have
 *   frames     frames that several stacks have
 *   processes  for each of report.processes, what the format "json" does not have:
 *                began_ms  CLOCK_REALTIME at which it began, ms; null: unknown
 *                moment_s  the moment of the report, seconds after that; null: unknown
 *                lives     [id, tid, created, ended, joined, state, name, start] for each thread whose
 *                          record is there, and for untracked ones, with id 0.
 *                          Times are seconds after began_ms; null: not yet, or unknown.
 *                          state: a sum of 1 ended, 2 detached, 4 joined, 8 joined or detached unseen.
 *                          start: index of `starts`; null: unknown
 *                starts    frames of start routines
 *                waits     threads whose wait only one thread can end: tid, owner (its tid), owner_id,
 *                          owner_ended, timeout, what. They can be threads that are not in the report.
 *                runtime   "PC FUNCTION" of frames of thread runtimes
 *                sources   for each source file that could be read: lines (number: text), and newer, true
 *                          if the file was changed after the program was built
 */
#ifndef THREADLEAK_REPORT_HTML_DATA_H
#define THREADLEAK_REPORT_HTML_DATA_H

#include <jansson.h>

#include "leak/model.h"

/* The caller releases it. NULL: out of memory. */
json_t *html_data(const struct report *report);

#endif
