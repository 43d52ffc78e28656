#include "report/test_points.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"
#include "report/duration.h"
#include "report/process_text.h"
#include "report/text_buffer.h"

#define TITLE_MAX 200 /* columns of a command */

static size_t count_failures(const struct process_report *process)
{
    size_t count = 0;
    for (size_t i = 0; i < process->group_count; i++)
        count += process->groups[i].counted;
    return count;
}

static bool has_unsuppressed(const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (!process->groups[i].suppressed_by)
            return true;
    return false;
}

/* A process that was not judged has passed only when no thread was alive or unjoined at its end. */
static char *why_skipped(const struct process_report *process)
{
    char *why, end[160];
    if (!process->watched)
        return strdup("not watched: thread creators are unknown");
    if (process->judged || (process->how != END_ALIVE && !has_unsuppressed(process)))
        return NULL;
    format_end(end, sizeof(end), process);
    return asprintf(&why, "not judged: %s", end) < 0 ? NULL : why;
}

static struct test_point *add(struct test_points *points, char *name)
{
    if (!name || !ARRAY_GROW(points->items, points->count)) {
        free(name);
        return NULL;
    }
    points->items[points->count] = (struct test_point){.name = name};
    return &points->items[points->count++];
}

/* The test that the process ran, or its command. */
static char *title(const struct process_report *process)
{
    struct text_buffer buffer;
    FILE *out = text_open(&buffer);
    if (!out)
        return NULL;
    if (process->test && *process->test)
        put_escaped(out, process->test);
    else if (process->argv && process->argv[0] && *process->argv[0])
        put_command(out, process->argv, TITLE_MAX);
    else
        put_escaped(out, command_name(process));
    return text_close(&buffer);
}

static bool add_process(struct test_points *points, const struct process_report *process)
{
    struct test_point *point = add(points, title(process));
    if (!point)
        return false;
    point->process = process;
    point->failures = count_failures(process);
    point->skipped = point->failures ? NULL : why_skipped(process);
    return true;
}

static bool add_unwatched(struct test_points *points, const struct unwatched *child)
{
    const char *program = unwatched_program(child);
    struct test_point *point = add(points, escaped_copy(program ? program : "?"));
    if (!point)
        return false;
    point->program = program;
    return asprintf(&point->skipped, "not watched: %s", unwatched_why_name(child->why)) >= 0 ||
           (point->skipped = NULL);
}

static bool add_timeout(struct test_points *points, const struct report *report)
{
    char text[TIMEOUT_TEXT_MAX];
    struct test_point *point = add(points, strdup("ends in time"));
    return point && (point->error = strdup(format_timeout(text, report)));
}

/* Readers take an empty list for an error: where no process made a thread, the run is the test. */
static bool add_run(struct test_points *points, const struct report *report)
{
    const struct process_report run = {.argv = report->argv};
    return add(points, report->argv ? title(&run) : strdup("threads"));
}

static bool add_all(struct test_points *points, const struct report *report)
{
    bool done = report->timed_out_s <= 0 || add_timeout(points, report);
    for (size_t i = 0; i < report->process_count && done; i++)
        done = add_process(points, &report->processes[i]);
    for (size_t i = 0; i < report->unwatched_count && done; i++)
        done = add_unwatched(points, &report->unwatched[i]);
    return done && (points->count || add_run(points, report));
}

static int compare(const void *left, const void *right)
{
    const struct test_point *const *a = left, *const *b = right;
    int order = strcmp((*a)->name, (*b)->name);
    return order ? order : (*a > *b) - (*a < *b);
}

static int compare_name(const void *name, const void *point)
{
    return strcmp(name, (*(const struct test_point *const *)point)->name);
}

/* The next "NAME (N)" that is not the name of another point. */
static char *numbered_name(struct test_point *const *sorted, size_t count, const char *name, unsigned *times)
{
    char *numbered = NULL;
    do {
        free(numbered);
        if (asprintf(&numbered, "%s (%u)", name, ++*times) < 0)
            return NULL;
    } while (bsearch(numbered, sorted, count, sizeof(*sorted), compare_name));
    return numbered;
}

/* Readers of JUnit and TAP keep one result for each name. */
static bool number_equal_names(struct test_points *points)
{
    struct test_point **sorted = calloc(points->count, sizeof(*sorted));
    char **numbered = calloc(points->count, sizeof(*numbered)); /* numbered_name() searches the old names */
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

bool test_points_make(struct test_points *points, const struct report *report)
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

void test_points_release(struct test_points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        free(points->items[i].name);
        free(points->items[i].error);
        free(points->items[i].skipped);
    }
    free(points->items);
    memset(points, 0, sizeof(*points));
}
