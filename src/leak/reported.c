#include "leak/reported.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"

enum { FINGERPRINT_DIGITS = 16 };
static const char schema[] = "threadleak/1";

bool reported_is_json(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && memchr(" \t\r\n", text[at], 4))
        at++;
    return at < length && text[at] == '{';
}

/* ---- one group ----------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *program_of(const json_t *process)
{
    const char *exe = text_of(process, "exe");
    if (!exe)
        exe = json_string_value(json_array_get(json_object_get(process, "command"), 0));
    return exe ? path_basename(exe) : "?";
}

static bool is_fingerprint(const char *text)
{
    return text && strlen(text) == FINGERPRINT_DIGITS &&
           strspn(text, "0123456789abcdef") == FINGERPRINT_DIGITS;
}

/* A newer threadleak can have more kinds. */
static void count_kind(struct reported_site *site)
{
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        if (strcmp(site->kind, leak_kind_name((enum leak_kind)kind)) == 0)
            site->by_kind[kind] = site->threads;
}

static bool read_group(const json_t *group, const char *program, struct reported_site *site)
{
    const json_t *count = json_object_get(group, "count"), *creator = json_object_get(group, "own");
    *site = (struct reported_site){.program = program,
                                   .fingerprint = text_of(group, "fingerprint"),
                                   .kind = text_of(group, "kind"),
                                   .start = text_of(json_object_get(group, "start_routine"), "function"),
                                   .places = 1};
    if (!is_fingerprint(site->fingerprint) || !site->kind || !json_is_integer(count) ||
        json_integer_value(count) < 0)
        return false;
    if (!json_is_object(creator))
        creator = json_array_get(json_object_get(group, "creation_stack"), 0);
    site->threads = (uint64_t)json_integer_value(count);
    count_kind(site);
    site->function = text_of(creator, "function");
    site->file = text_of(creator, "file");
    site->line = json_integer_value(json_object_get(creator, "line"));
    return true;
}

/* ---- all of them --------------------------------------------------------------------------------- */

static bool read_process(struct reported *reported, const json_t *process)
{
    const json_t *leaks = json_object_get(process, "leaks");
    const char *program = program_of(process);
    if (!json_is_object(process) || !json_is_array(leaks) ||
        !ARRAY_GROW(reported->programs, reported->program_count))
        return false;
    reported->programs[reported->program_count++] = program;
    reported->processes++;
    reported->unwatched += json_is_false(json_object_get(process, "watched"));
    for (size_t i = 0; i < json_array_size(leaks); i++) {
        if (!ARRAY_GROW(reported->sites, reported->count) ||
            !read_group(json_array_get(leaks, i), program, &reported->sites[reported->count]))
            return false;
        reported->count++;
    }
    return true;
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Places of one site follow each other. */
static int compare_sites(const void *left, const void *right)
{
    const struct reported_site *a = left, *b = right;
    int order = strcmp(a->program, b->program);
    order = order ? order : strcmp(a->fingerprint, b->fingerprint);
    order = order ? order : compare_texts(a->file, b->file);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int compare_programs(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool is_same_place(const struct reported_site *a, const struct reported_site *b)
{
    return compare_texts(a->file, b->file) == 0 && a->line == b->line;
}

/* The place with more threads is the one that is shown. *most: its threads. */
static void add_place(struct reported_site *site, const struct reported_site *next, bool same_place,
                      uint64_t *most)
{
    struct reported_site sum = next->threads > *most ? *next : *site;
    *most = next->threads > *most ? next->threads : *most;
    sum.threads = site->threads + next->threads;
    sum.places = site->places + !same_place;
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        sum.by_kind[kind] = site->by_kind[kind] + next->by_kind[kind];
    *site = sum;
}

/* Groups of one site become one. */
static void merge(struct reported *reported)
{
    size_t kept = 0;
    uint64_t most = 0;
    struct reported_site before = {0};
    for (size_t i = 0; i < reported->count; i++) {
        struct reported_site next = reported->sites[i], *site = kept ? &reported->sites[kept - 1] : NULL;
        if (!site || strcmp(site->program, next.program) || strcmp(site->fingerprint, next.fingerprint)) {
            reported->sites[kept++] = next;
            most = next.threads;
        } else {
            add_place(site, &next, is_same_place(&before, &next), &most);
        }
        before = next;
    }
    reported->count = kept;
}

static void sort(struct reported *reported)
{
    size_t kept = 0;
    if (reported->count)
        qsort(reported->sites, reported->count, sizeof(*reported->sites), compare_sites);
    if (reported->program_count)
        qsort(reported->programs, reported->program_count, sizeof(*reported->programs), compare_programs);
    for (size_t i = 0; i < reported->program_count; i++)
        if (!kept || strcmp(reported->programs[kept - 1], reported->programs[i]) != 0)
            reported->programs[kept++] = reported->programs[i];
    reported->program_count = kept;
    merge(reported);
}

static bool read_all(struct reported *reported, const char *name, struct error *error)
{
    const char *is = text_of(reported->json, "schema");
    const json_t *processes = json_object_get(reported->json, "processes");
    if (!is || strcmp(is, schema) != 0)
        return error_set(error, "%s is not a report of threadleak: its \"schema\" is %s%.40s%s", name,
                         is ? "\"" : "", is ? is : "missing", is ? "\"" : "");
    if (!json_is_array(processes))
        return error_set(error, "%s is not a report: it has no \"processes\"; make one with --format=json",
                         name);
    for (size_t i = 0; i < json_array_size(processes); i++)
        if (!read_process(reported, json_array_get(processes, i)))
            return error_set(error, "%s is damaged: process %zu has no \"leaks\" as reports have them", name,
                             i + 1);
    sort(reported);
    return true;
}

bool reported_read(struct reported *reported, const char *text, size_t length, const char *name,
                   struct error *error)
{
    json_error_t wrong;
    *reported = (struct reported){.json = json_loadb(text, length, 0, &wrong)};
    if (!reported->json)
        return error_set(error, "%s is no JSON, or truncated: line %d, column %d: %s", name, wrong.line,
                         wrong.column, wrong.text);
    if (read_all(reported, name, error))
        return true;
    reported_release(reported);
    return false;
}

void reported_release(struct reported *reported)
{
    free(reported->sites);
    free(reported->programs);
    json_decref(reported->json);
    *reported = (struct reported){.json = NULL};
}
