#include "report/ci/test_points.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"
#include "report/common/finding_text.h"
#include "report/common/phrases.h"
#include "base/text.h"

#define TITLE_MAX 200 /* columns of a command */

/* The item of the process has the name of the test that it ran. */
static bool has_own_point(const struct process_report *process, const struct thread_info *thread)
{
    return thread->test && !(process->test && strcmp(process->test, thread->test) == 0);
}

static bool belongs_to(const struct test_point *point, const struct thread_info *thread)
{
    bool own = has_own_point(point->process, thread);
    return point->test ? own && strcmp(thread->test, point->test) == 0 : !own;
}

/* Adds the group with its threads that belong to the point, if there are any. */
static bool add_group(struct test_point *point, const struct leak_group *group)
{
    struct thread_info *threads = calloc(group->thread_count, sizeof(*threads));
    size_t count = 0;
    for (size_t i = 0; threads && i < group->thread_count; i++)
        if (belongs_to(point, &group->threads[i]))
            threads[count++] = group->threads[i];
    if (count == 0 || !ARRAY_GROW(point->groups, point->group_count)) {
        free(threads);
        return threads && count == 0;
    }
    struct leak_group *part = &point->groups[point->group_count++];
    *part = *group;
    part->threads = threads;
    part->thread_count = count;
    part->test = threads[0].test;
    for (size_t i = 1; i < count && part->test; i++)
        if (!threads[i].test || strcmp(threads[i].test, part->test) != 0)
            part->test = NULL;
    point->failures += part->counted;
    return true;
}

static bool add_groups(struct test_point *point)
{
    for (size_t i = 0; i < point->process->group_count; i++)
        if (!add_group(point, &point->process->groups[i]))
            return false;
    return true;
}

static size_t count_failing(const struct process_report *process)
{
    size_t count = 0;
    for (size_t i = 0; i < process->findings.count; i++)
        count += process->findings.items[i].fails && !process->findings.items[i].in_group;
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
        put_command(out, process, TITLE_MAX);
    else
        put_escaped(out, command_name(process));
    return text_close(&buffer);
}

/* test NULL: the process itself. */
static bool add_part(struct test_points *points, const struct process_report *process, const char *test)
{
    struct test_point *point = add(points, test ? escaped_copy(test) : title(process));
    if (!point)
        return false;
    point->process = process;
    point->test = test;
    point->failures = test ? 0 : count_failing(process);
    if (!add_groups(point))
        return false;
    point->skipped = point->failures ? NULL : why_skipped(process);
    return true;
}

static bool has_point(const struct test_points *points, size_t first, const char *test)
{
    for (size_t i = first; i < points->count; i++)
        if (points->items[i].test && strcmp(points->items[i].test, test) == 0)
            return true;
    return false;
}

static bool add_process(struct test_points *points, const struct process_report *process)
{
    size_t first = points->count;
    bool done = add_part(points, process, NULL);
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        for (size_t j = 0; j < group->thread_count && done; j++)
            if (has_own_point(process, &group->threads[j]) &&
                !has_point(points, first, group->threads[j].test))
                done = add_part(points, process, group->threads[j].test);
    }
    return done;
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
    const char *verdict = first_verdict(report);
    return point && asprintf(&point->error, "%s%s%s", format_timeout(text, report), *verdict ? ": " : "",
                             verdict) >= 0;
}

/* Readers treat an empty list as an error. So if no process made a thread, the run is the test. */
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
    const struct test_point *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Gives it the next "NAME (N)" that is not the name of another point.  `first` has that NAME. */
static bool number(struct test_point *point, struct test_point *first, void *const *names)
{
    struct test_point numbered = {.name = NULL};
    do {
        free(numbered.name);
        if (asprintf(&numbered.name, "%s (%u)", first->name, ++first->numbered + 1) < 0)
            return false;
    } while (tfind(&numbered, names, compare));
    free(point->name);
    point->name = numbered.name;
    return true;
}

static void keep(void *point)
{
    (void)point;
}

/* Readers of JUnit and TAP keep one result for each name. */
static bool number_equal_names(struct test_points *points)
{
    void *names = NULL; /* tree of the first point with each name */
    bool done = true;
    for (size_t i = 0; i < points->count && done; i++)
        done = tsearch(&points->items[i], &names, compare) != NULL;
    for (size_t i = 0; i < points->count && done; i++) {
        struct test_point *point = &points->items[i], **first = tfind(point, &names, compare);
        done = *first == point || number(point, *first, &names);
    }
    tdestroy(names, keep);
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
        for (size_t j = 0; j < points->items[i].group_count; j++)
            free(points->items[i].groups[j].threads);
        free(points->items[i].groups);
        free(points->items[i].name);
        free(points->items[i].error);
        free(points->items[i].skipped);
    }
    free(points->items);
    memset(points, 0, sizeof(*points));
}
