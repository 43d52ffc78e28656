#include "cli/watch/print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/common/terminal.h"
#include "cli/watch/words.h"
#include "report/common/interpreter.h"

/* ---- one verdict --------------------------------------------------------------------------------- */

static void print_rise(FILE *out, const struct series *series)
{
    char time[TIME_TEXT], doubling[TIME_TEXT];
    const struct growth *growth = &series->growth;
    fprintf(out, "  rose         from %llu to %llu in %s, and doubles in %s\n",
            (unsigned long long)growth->from.count, (unsigned long long)growth->to.count,
            time_text(growth->to.at_s - growth->from.at_s, time),
            time_text(series_doubling_s(series), doubling));
}

static void print_limit(FILE *out, const struct watched *watched)
{
    double left;
    char time[TIME_TEXT];
    const struct process_limit *limit = watched_nearest_limit(watched, &left);
    if (limit)
        fprintf(out, "  limit        %s of %llu in %s; now %llu\n", limit->name,
                (unsigned long long)limit->most, time_text(left, time), (unsigned long long)limit->used);
}

static void print_counts(FILE *out, const struct watched *watched, const struct site_count *item)
{
    char time[TIME_TEXT];
    fprintf(out, "  now          %llu alive", (unsigned long long)site_alive(item));
    if (watched->counts.watched)
        fprintf(out, ", %llu unjoined, of %llu created", (unsigned long long)item->threads.unjoined,
                (unsigned long long)item->threads.created);
    if (item->oldest_s >= 0)
        fprintf(out, "; oldest %s", time_text(item->oldest_s, time));
    putc('\n', out);
}

/* The start routine, or the function of a runtime that the creator called: std::thread::thread<Handler>. */
static void print_start(FILE *out, const struct leak_group *place)
{
    const struct frame *start = place->start_routine;
    bool called = place->user_frame && place->user_frame != place->stack;
    if (start && start->runtime && called)
        start = place->user_frame - 1;
    char *name = start && start->function ? function_shorten(start->function, 64) : NULL;
    char *safe = name ? escaped_copy(name) : NULL;
    if (safe)
        fprintf(out, "  starts       %s\n", safe);
    free(safe);
    free(name);
}

static void print_interpreter(FILE *out, pid_t pid, const struct leak_group *place)
{
    const struct interpreter *interpreter = stack_interpreter(place->stack, place->stack_count);
    if (interpreter)
        fprintf(out, "  not shown    functions in %s; to see them: %s %d\n", interpreter->language,
                interpreter->tool, (int)pid);
}

void print_verdict(FILE *out, const struct watched *watched, size_t site, enum watch_why why)
{
    const struct site_count *item = &watched->counts.items[site];
    const struct series *series = site_growth(&watched->sites[site], why);
    struct line line = {.length = 0};
    line_add_verdict(&line, watched, site, why);
    fprintf(out, "%s\n  process      %s\n", line.text, watched->label);
    if (why <= WATCH_UNJOINED_GROWS && series) {
        print_rise(out, series);
        print_limit(out, watched);
    }
    print_start(out, item->place);
    print_interpreter(out, watched->pid, item->place);
    print_counts(out, watched, item);
    fprintf(out, "  fingerprint  %s\n", item->fingerprint);
}

/* ---- a table of sites ---------------------------------------------------------------------------- */

enum { SPARKS = 12, FIXED_COLUMNS = 7 + 9 + 10 + 8 + 2, NAME_LEAST = 8 };

static void print_sparks(FILE *out, const struct series *series)
{
    static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char ascii[] = "_.,-=+*#";
    const struct series_scale *scale = &series->scales[0];
    size_t shown = scale->count < SPARKS ? scale->count : SPARKS, first = scale->count - shown;
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = first; i < scale->count; i++) {
        low = scale->kept[i].count < low ? scale->kept[i].count : low;
        high = scale->kept[i].count > high ? scale->kept[i].count : high;
    }
    fprintf(out, "%*s", (int)(SPARKS - shown), "");
    for (size_t i = first; i < scale->count; i++) {
        size_t bar = high > low ? (size_t)((scale->kept[i].count - low) * 7 / (high - low)) : 0;
        if (terminal_is_ascii())
            putc(ascii[bar], out);
        else
            fputs(bars[bar], out);
    }
    fputs("  ", out);
}

static bool grows(const struct watched_site *site)
{
    return site->alive.grows || site->unjoined.grows;
}

struct row {
    size_t site;
    bool grows;
    uint64_t threads;
};

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->grows != b->grows)
        return a->grows ? -1 : 1;
    if (a->threads != b->threads)
        return a->threads > b->threads ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

/* Malloc'ed. */
static struct row *make_rows(const struct watched *watched, size_t *count)
{
    struct row *rows = calloc(watched->site_count + 1, sizeof(*rows));
    *count = 0;
    for (size_t i = 0; rows && i < watched->site_count; i++) {
        const struct site_count *item = &watched->counts.items[i];
        if (site_count_is_used(item))
            rows[(*count)++] =
                (struct row){i, grows(&watched->sites[i]), site_alive(item) + item->threads.unjoined};
    }
    if (*count)
        qsort(rows, *count, sizeof(*rows), compare_rows);
    return rows;
}

/* The one that grows, or moves more. */
static const struct series *shown_series(const struct watched_site *site)
{
    if (site->alive.grows || site->unjoined.grows)
        return site->alive.grows ? &site->alive : &site->unjoined;
    return fabs(series_rate(&site->unjoined)) > fabs(series_rate(&site->alive)) ? &site->unjoined
                                                                                : &site->alive;
}

/* For a name in a line of `width`. */
static size_t columns(size_t width, size_t used)
{
    return used + NAME_LEAST < width ? width - used : NAME_LEAST;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_same_place(const struct frame *a, const struct frame *b)
{
    return a && b && a->line == b->line && same_text(a->file, b->file) && same_text(a->function, b->function);
}

/* Another site was created by the same line, so the start routine distinguishes the two. */
static bool shares_place(const struct watched *watched, size_t site)
{
    const struct frame *creator = creator_frame(watched->counts.items[site].place);
    for (size_t i = 0; i < watched->site_count; i++)
        if (i != site && site_count_is_used(&watched->counts.items[i]) &&
            is_same_place(creator, creator_frame(watched->counts.items[i].place)))
            return true;
    return false;
}

/* "  runs quick", or nothing. */
static void add_runs(struct line *line, const struct watched *watched, size_t site, size_t width)
{
    const struct frame *start = watched->counts.items[site].place->start_routine;
    bool shared = start && start->function && shares_place(watched, site);
    char *name = shared ? function_shorten(start->function, width) : NULL;
    char *safe = name ? escaped_copy(name) : NULL;
    if (safe)
        line_add(line, "  runs %s", safe);
    free(safe);
    free(name);
}

/* "pool.c:18 pool_start", and what it runs if another site has the same place. */
static void add_site(struct line *line, const struct watched *watched, size_t site, size_t width)
{
    const struct site_count *item = &watched->counts.items[site];
    struct line function = {.length = 0}, runs = {.length = 0};
    line_add_place(line, item);
    size_t used = line->length + 1;
    add_runs(&runs, watched, site, columns(width, used + strlen("  runs ")));
    line_add_function(&function, item, columns(width, used + runs.length));
    /* Where there is no room for all, the place and the start routine still distinguish the sites. */
    if (!line->length || !runs.length || used + function.length + runs.length <= width)
        line_add(line, "%s%s", line->length ? " " : "", function.text);
    line_add(line, "%s", runs.text);
}

static void print_row(FILE *out, const struct watched *watched, const struct row *row, size_t width,
                      bool sparks)
{
    const struct site_count *item = &watched->counts.items[row->site];
    const struct watched_site *site = &watched->sites[row->site];
    const struct series *series = shown_series(site);
    char rate[RATE_TEXT], time[TIME_TEXT], unjoined[24] = "?";
    struct line line = {.length = 0};
    double per_s = row->grows ? series->growth.per_s : series_rate(series);
    if (watched->counts.watched)
        snprintf(unjoined, sizeof(unjoined), "%llu", (unsigned long long)item->threads.unjoined);
    fprintf(out, "%7llu%9s%10s%8s  ", (unsigned long long)site_alive(item), unjoined, rate_text(per_s, rate),
            item->oldest_s < 0 ? "-" : time_text(item->oldest_s, time));
    if (sparks)
        print_sparks(out, series);
    size_t room = columns(width, FIXED_COLUMNS + (sparks ? SPARKS + 2 : 0));
    add_site(&line, watched, row->site, room);
    /* A place in C++ can be longer than the line: then the beginning is shown. */
    fprintf(out, "%.*s\n", (int)room, line.text);
}

size_t print_sites(FILE *out, const struct watched *watched, size_t most, size_t width, bool sparks)
{
    size_t count, shown = 0;
    struct row *rows = make_rows(watched, &count);
    fprintf(out, "%7s%9s%10s%8s  %*s%s\n", "alive", "unjoined", "rate", "oldest", sparks ? -(SPARKS + 2) : 0,
            "", "created at");
    for (; shown < count && shown < most; shown++)
        print_row(out, watched, &rows[shown], width, sparks);
    if (count > shown)
        fprintf(out, "%7s and %zu more sites\n", "", count - shown);
    free(rows);
    return 1 + shown + (count > shown);
}
