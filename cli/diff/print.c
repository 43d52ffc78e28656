#include "cli/diff/print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "symbolize/symbolize.h"

enum { WIDTH = 80, COUNTS = 8 + 7 + 7 + 8 + 2 };

/* ---- text ------------------------------------------------------------------------------------------ */

static const struct reported_site *either(const struct compared_site *site)
{
    return site->b ? site->b : site->a;
}

/* "growth.c:18 media_file_new", as far as that is known. */
static void print_place(FILE *out, const struct reported_site *site)
{
    struct line place = {.length = 0};
    if (site->file && site->line > 0)
        line_add(&place, "%s:%" PRId64 " ", path_basename(site->file), site->line);
    const char *function = site->function ? site->function : site->start;
    size_t left = place.length + COUNTS + 12 < WIDTH ? WIDTH - COUNTS - place.length : 12;
    char *name = function ? function_shorten(function, left) : NULL;
    line_add(&place, "%s", name ? name : "unknown place");
    free(name);
    put_escaped(out, place.text);
    if (site->places > 1)
        fprintf(out, " and %" PRIu64 " more", site->places - 1);
}

static bool is_mixed(const struct reported_site *site)
{
    unsigned count = 0;
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        count += site->by_kind[kind] > 0;
    return count > 1;
}

/* "4 running, 6 unjoined"; or the kind alone, if all have one. */
static void add_kinds(struct line *line, const struct reported_site *site)
{
    if (!is_mixed(site)) {
        line_add(line, "%s", site->kind);
        return;
    }
    for (int kind = 0, printed = 0; kind < LEAK_KINDS; kind++)
        if (site->by_kind[kind])
            line_add(line, "%s%" PRIu64 " %s", printed++ ? ", " : "", site->by_kind[kind],
                     leak_kind_name((enum leak_kind)kind));
}

/* "detached, runs media_worker" */
static void print_threads(FILE *out, const struct compared_site *site)
{
    const struct reported_site *now = either(site);
    struct line kinds = {.length = 0};
    add_kinds(&kinds, now);
    if (site->a && !is_mixed(site->a) && !is_mixed(now) && strcmp(site->a->kind, now->kind) != 0)
        line_add(&kinds, " (was %s)", site->a->kind);
    size_t left = kinds.length + COUNTS + 16 + 8 < WIDTH ? WIDTH - COUNTS - 8 - kinds.length : 16;
    char *start = now->start ? function_shorten(now->start, left) : NULL;
    fprintf(out, "%*s", COUNTS, "");
    put_escaped(out, kinds.text);
    fputs(start ? ", runs " : "", out);
    put_escaped(out, start ? start : "");
    putc('\n', out);
    free(start);
}

static void print_site(FILE *out, const struct compared_site *site)
{
    uint64_t a = site->a ? site->a->threads : 0, b = site->b ? site->b->threads : 0;
    fprintf(out, "%-8s%7" PRIu64 "%7" PRIu64 "%+8" PRId64 "  ", change_name(site->change), a, b,
            (int64_t)(b - a));
    print_place(out, either(site));
    putc('\n', out);
    print_threads(out, site);
}

/* Is the next site of another program than the last one? Then a line names it, if there are several. */
static void print_program(FILE *out, const struct compared_site *site, const char **last)
{
    const char *program = either(site)->program;
    if (*last && strcmp(*last, program) == 0)
        return;
    *last = program;
    fputs("  in ", out);
    put_escaped(out, program);
    fputs(":\n", out);
}

static void print_sum(FILE *out, const struct comparison *comparison)
{
    for (int change = 0; change < CHANGES; change++)
        fprintf(out, "%s%zu %s", change ? ", " : "", comparison->numbers[change],
                change_name((enum change)change));
    putc('\n', out);
}

bool print_diff(FILE *out, const struct comparison *comparison, const struct diff_sources *sources, bool all)
{
    bool several = sources->a->program_count > 1 || sources->b->program_count > 1;
    const char *program = NULL;
    size_t shown = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared_site *site = &comparison->sites[i];
        if (!all && site->change > CHANGE_GONE)
            continue;
        if (!shown++)
            fprintf(out, "%-8s%7s%7s%8s  %s\n", "", "A", "B", "change", "created at");
        if (several)
            print_program(out, site, &program);
        print_site(out, site);
    }
    if (shown)
        putc('\n', out);
    print_sum(out, comparison);
    return fflush(out) == 0 && !ferror(out);
}

/* ---- JSON -------------------------------------------------------------------------------------------- */

static json_t *side_json(const char *name, const struct reported *reported)
{
    json_t *json = json_object(), *programs = json_array();
    for (size_t i = 0; i < reported->program_count; i++)
        append_value(&programs, json_text(reported->programs[i]));
    set_text(&json, "source", name);
    set_number(&json, "processes", (int64_t)reported->processes);
    set_value(&json, "programs", programs);
    return json;
}

static json_t *counts_json(const struct reported_site *site)
{
    if (!site)
        return json_null();
    json_t *json = json_object(), *kinds = json_object();
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        set_number(&kinds, leak_kind_name((enum leak_kind)kind), (int64_t)site->by_kind[kind]);
    set_text(&json, "kind", site->kind);
    set_value(&json, "kinds", kinds);
    set_number(&json, "threads", (int64_t)site->threads);
    set_number(&json, "places", (int64_t)site->places);
    return json;
}

static json_t *site_json(const struct compared_site *compared)
{
    const struct reported_site *site = either(compared);
    json_t *json = json_object();
    set_text(&json, "change", change_name(compared->change));
    set_text(&json, "program", site->program);
    set_text(&json, "fingerprint", site->fingerprint);
    set_text(&json, "function", site->function);
    set_text(&json, "file", site->file);
    set_value(&json, "line", site->line > 0 ? json_integer(site->line) : json_null());
    set_text(&json, "start_routine", site->start);
    set_value(&json, "a", counts_json(compared->a));
    set_value(&json, "b", counts_json(compared->b));
    return json;
}

bool print_diff_json(FILE *out, const struct comparison *comparison, const struct diff_sources *sources)
{
    json_t *json = json_object(), *sites = json_array(), *summary = json_object();
    for (int change = 0; change < CHANGES; change++)
        set_number(&summary, change_name((enum change)change), (int64_t)comparison->numbers[change]);
    for (size_t i = 0; i < comparison->count; i++)
        append_value(&sites, site_json(&comparison->sites[i]));
    set_text(&json, "schema", "threadleak/1");
    set_text(&json, "type", "diff");
    set_value(&json, "a", side_json(sources->name_a, sources->a));
    set_value(&json, "b", side_json(sources->name_b, sources->b));
    set_bool(&json, "different_programs", comparison->other_programs);
    set_value(&json, "summary", summary);
    set_value(&json, "sites", sites);
    return json_write(out, json);
}
