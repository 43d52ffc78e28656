#include "report/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/parts.h"
#include "report/text_parts.h"

/* ---- what is to be said of a process ------------------------------------------------------ */

static size_t count_failures(const struct process_report *process)
{
    size_t count = 0;
    for (size_t i = 0; i < process->group_count; i++)
        count += process->groups[i].counted;
    return count;
}

static bool left_something(const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (!process->groups[i].suppressed_by)
            return true;
    return false;
}

/* One that is not judged has not passed either, unless nothing was left of it. */
static char *why_skipped(const struct process_report *process)
{
    char *why, end[160];
    if (!process->watched)
        return strdup("not watched: thread creators are unknown");
    if (process->judged || (process->how != END_ALIVE && !left_something(process)))
        return NULL;
    format_end(end, sizeof(end), process);
    return asprintf(&why, "not judged: %s", end) < 0 ? NULL : why;
}

/* ---- the list ------------------------------------------------------------------------------- */

static struct report_point *add(struct report_points *points, char *name)
{
    if (!name || !ARRAY_GROW(points->items, points->count)) {
        free(name);
        return NULL;
    }
    points->items[points->count] = (struct report_point){.name = name};
    return &points->items[points->count++];
}

static bool add_process(struct report_points *points, const struct process_report *process)
{
    struct report_point *point = add(points, process_as_test(process));
    if (!point)
        return false;
    point->process = process;
    point->failures = count_failures(process);
    point->skipped = point->failures ? NULL : why_skipped(process);
    return true;
}

static bool add_unwatched(struct report_points *points, const struct unwatched *child)
{
    const char *name = child->exe ? child->exe : child->name ? child->name : "?";
    struct report_point *point = add(points, escaped_copy(name));
    if (!point)
        return false;
    point->program = child->exe ? child->exe : child->name;
    return asprintf(&point->skipped, "not watched: %s", unwatched_why_name(child->why)) >= 0 ||
           (point->skipped = NULL);
}

static bool add_timeout(struct report_points *points, const struct report *report)
{
    char time[40];
    struct report_point *point = add(points, strdup("ends in time"));
    if (!point)
        return false;
    format_duration(time, sizeof(time), report->timed_out_s);
    return asprintf(&point->error, "timed out after %s", time) >= 0 || (point->error = NULL);
}

/* Consumers take an empty list for a mistake: where no process made a thread, the run is the test. */
static bool add_run(struct report_points *points, const struct report *report)
{
    const struct process_report run = {.argv = report->argv};
    return add(points, report->argv ? process_as_test(&run) : strdup("threads"));
}

static bool add_all(struct report_points *points, const struct report *report)
{
    bool done = report->timed_out_s <= 0 || add_timeout(points, report);
    for (size_t i = 0; i < report->process_count && done; i++)
        done = add_process(points, &report->processes[i]);
    for (size_t i = 0; i < report->unwatched_count && done; i++)
        done = add_unwatched(points, &report->unwatched[i]);
    return done && (points->count || add_run(points, report));
}

/* ---- names ---------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct report_point *const *a = left, *const *b = right;
    int order = strcmp((*a)->name, (*b)->name);
    return order ? order : (*a > *b) - (*a < *b);
}

static int compare_name(const void *name, const void *point)
{
    return strcmp(name, (*(const struct report_point *const *)point)->name);
}

/* The next "NAME (N)" that no command has of itself. */
static char *numbered_name(struct report_point *const *sorted, size_t count, const char *name,
                           unsigned *times)
{
    char *numbered = NULL;
    do {
        free(numbered);
        if (asprintf(&numbered, "%s (%u)", name, ++*times) < 0)
            return NULL;
    } while (bsearch(numbered, sorted, count, sizeof(*sorted), compare_name));
    return numbered;
}

/* Consumers keep one result for a name. */
static bool number_equal_names(struct report_points *points)
{
    struct report_point **sorted = calloc(points->count, sizeof(*sorted));
    char **numbered = calloc(points->count, sizeof(*numbered)); /* the old ones are looked up until the end */
    unsigned times = 1;
    bool done = sorted && numbered;
    for (size_t i = 0; i < points->count && done; i++)
        sorted[i] = &points->items[i];
    if (done)
        qsort(sorted, points->count, sizeof(*sorted), compare);
    for (size_t i = 1; i < points->count && done; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0) {
            times = 1;
            continue;
        }
        numbered[i] = numbered_name(sorted, points->count, sorted[i]->name, &times);
        done = numbered[i] != NULL;
    }
    for (size_t i = 0; i < points->count && sorted && numbered; i++) {
        if (!numbered[i])
            continue;
        free(sorted[i]->name);
        sorted[i]->name = numbered[i];
    }
    free(numbered);
    free(sorted);
    return done;
}

bool report_points_make(struct report_points *points, const struct report *report)
{
    memset(points, 0, sizeof(*points));
    if (!add_all(points, report) || !number_equal_names(points))
        return false;
    for (size_t i = 0; i < points->count; i++) {
        points->failures += points->items[i].failures > 0;
        points->errors += points->items[i].error != NULL;
        points->skipped += points->items[i].skipped != NULL;
    }
    return true;
}

void report_points_release(struct report_points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        free(points->items[i].name);
        free(points->items[i].error);
        free(points->items[i].skipped);
    }
    free(points->items);
    memset(points, 0, sizeof(*points));
}
