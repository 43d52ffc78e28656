#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "cli/top/top.h"

enum { LINE = 1024, STACK_FRAMES = 24 };

/* Copies what fits into the width; names come from the program and can contain anything. False: it did not
 * fit. */
static bool put(char *line, size_t width, const char *text)
{
    size_t used = 0;
    for (size_t column = 0; *text && column < width; column++) {
        size_t length = plain_length(text);
        memcpy(line + used, length ? text : "?", length ? length : 1);
        used += length ? length : 1;
        text += length ? length : 1;
    }
    line[used] = 0;
    return !*text;
}

/* Drops whole items, which two blanks separate, until the rest fits into the width. */
void top_drop_items(char *text, size_t width)
{
    while (strlen(text) > width) {
        char *last = NULL;
        for (char *at = text; (at = strstr(at, "  ")); at += 2)
            last = at;
        if (!last)
            return;
        *last = 0;
    }
}

static void format_age(char out[16], double seconds)
{
    if (seconds < 0)
        snprintf(out, 16, "-");
    else if (seconds < 100)
        snprintf(out, 16, "%.0fs", seconds);
    else if (seconds < 6000)
        snprintf(out, 16, "%.0fm", seconds / 60);
    else if (seconds < 360000)
        snprintf(out, 16, "%.0fh", seconds / 3600);
    else
        snprintf(out, 16, "%.0fd", seconds / 86400);
}

static void format_rise(char out[16], double per_min)
{
    snprintf(out, 16,
             isnan(per_min) ? "-"
             : per_min == 0 ? "0"
                            : "%+.*f",
             per_min > -10 && per_min < 10 ? 1 : 0, per_min);
}

/* The user's function that called the creator; NULL: none is known. */
static const struct frame *caller_of(const struct leak_group *place, const struct frame *creator)
{
    for (const struct frame *at = creator + 1; at < place->stack + place->stack_count; at++)
        if (at->function && !at->runtime)
            return at;
    return NULL;
}

enum { SITE_CALLER = 1, SITE_FILE = 2, SITE_RUNS = 4, SITE_WAITS = 8, SITE_ALL = 15 };

static void format_place_of(char *out, size_t size, const struct frame *creator, unsigned parts)
{
    *out = 0;
    if (creator->file)
        snprintf(out, size, "  %s:%d", parts & SITE_FILE ? path_basename(creator->file) : "", creator->line);
    else if (creator->module && parts & SITE_FILE)
        snprintf(out, size, "  %s", path_basename(creator->module));
}

/* main() is not shown where there is no room for all: it distinguishes few sites. */
static const char *caller_name(const struct leak_group *place, const struct frame *creator, unsigned parts)
{
    const struct frame *caller = parts & SITE_CALLER ? caller_of(place, creator) : NULL;
    if (!caller || (parts != SITE_ALL && strcmp(caller->function, "main") == 0))
        return "";
    return caller->function;
}

/* "function < its caller  file.c:12  runs start", with the parts that are asked for; of an unwatched process
 * the start routine. */
static void format_site(char *out, size_t size, const struct leak_group *place, unsigned parts)
{
    const struct frame *creator = creator_frame(place), *start = place->start_routine;
    const char *start_name = start && start->function ? start->function : "";
    if (!creator) {
        snprintf(out, size, "%s%s", *start_name ? "runs " : "(place not known)", start_name);
        return;
    }
    const char *caller = caller_name(place, creator, parts);
    bool runs = parts & SITE_RUNS && *start_name;
    char line[320];
    format_place_of(line, sizeof(line), creator, parts);
    snprintf(out, size, "%s%s%s%s%s%s", creator->function ? creator->function : "?", *caller ? " < " : "",
             caller, line, runs ? "  runs " : "", runs ? start_name : "");
}

void top_title(const struct top *top, char *line, size_t width)
{
    char text[LINE];
    const char *how = top->attached  ? ", attached"
                      : top->watched ? ""
                                     : ", not watched: creators are unknown";
    snprintf(text, sizeof(text), "threadleak top: %s (pid %d)%s", top->name, (int)top->pid, how);
    put(line, width, text);
}

void top_counts(const struct top *top, char *line, size_t width)
{
    char text[LINE], per_min[16], untracked[40] = "";
    const struct site_threads *total = &top->total;
    format_rise(per_min, top->per_min);
    if (top->untracked)
        snprintf(untracked, sizeof(untracked), "  untracked %" PRIu64, top->untracked);
    snprintf(text, sizeof(text),
             "threads %" PRIu64 "  %s/min  joinable %" PRIu64 "  detached %" PRIu64 "  unjoined %" PRIu64
             "%s  created %" PRIu64,
             top->tasks, per_min, total->joinable, total->alive_detached, total->unjoined, untracked,
             total->created);
    top_drop_items(text, width);
    put(line, width, text);
}

void top_columns(char *line, size_t width)
{
    put(line, width, " ALIVE UNJOINED  +/MIN OLDEST CPU%  CREATED BY");
}

static void format_row(char *out, size_t size, const struct top_row *row, unsigned parts)
{
    char site[600], age[16], per_min[16], cpu[16];
    bool waits = parts & SITE_WAITS && row->waits[0];
    format_age(age, row->oldest_s);
    format_rise(per_min, row->per_min);
    snprintf(cpu, sizeof(cpu), row->cpu_percent < 0 ? "-" : "%.0f", row->cpu_percent);
    format_site(site, sizeof(site), row->place, parts);
    snprintf(out, size, "%6" PRIu64 " %8" PRIu64 " %6s %6s %4s  %s%s%s%s", row->alive, row->unjoined, per_min,
             age, cpu, site, waits ? "  [" : "", waits ? row->waits : "", waits ? "]" : "");
}

/* Where there is no room for all, the creator, its caller and the line stay longest. */
void top_line(const struct top_row *row, char *line, size_t width)
{
    static const unsigned forms[] = {SITE_ALL, SITE_ALL & ~SITE_RUNS, SITE_CALLER | SITE_FILE, SITE_CALLER,
                                     0};
    char text[LINE];
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        format_row(text, sizeof(text), row, forms[i]);
        if (put(line, width, text))
            return;
    }
}

/* ---- the page of a site ---------------------------------------------------------------------------- */

static void frame_line(const struct frame *frame, const char *before, char *line, size_t width)
{
    char text[LINE], place[320] = "";
    if (frame->file)
        snprintf(place, sizeof(place), "   %s:%d", frame->file, frame->line);
    else if (frame->module)
        snprintf(place, sizeof(place), "   %s", frame->module);
    snprintf(text, sizeof(text), "%s%s%s", before, frame->function ? frame->function : "?", place);
    put(line, width, text);
}

static void thread_line(const struct top_thread *thread, char *line, size_t width)
{
    char text[LINE], id[32] = "", cpu[16] = "-";
    if (thread->id)
        snprintf(id, sizeof(id), "T%" PRIu64 " ", thread->id);
    if (thread->cpu_percent >= 0)
        snprintf(cpu, sizeof(cpu), "%.0f%%", thread->cpu_percent);
    snprintf(text, sizeof(text), "  %s\"%s\" tid %d  CPU %s  %s", id, thread->name, (int)thread->tid, cpu,
             thread->state == 'R' ? "running"
             : *thread->wait      ? thread->wait
                                  : "waits");
    put(line, width, text);
}

static const struct top_thread *thread_of_row(const struct top *top, const struct top_row *row, size_t number)
{
    for (size_t i = 0; i < top->thread_count; i++)
        if (top->by_id[i]->site == (size_t)(row - top->rows) && number-- == 0)
            return top->by_id[i];
    return NULL;
}

const char *top_page_line(const struct top *top, const struct top_row *row, size_t number, char *line,
                          size_t width)
{
    const struct leak_group *place = row->place;
    size_t frames = place->stack_count < STACK_FRAMES ? place->stack_count : STACK_FRAMES;
    const struct top_thread *thread;
    if (number == 0) {
        put(line, width, "");
        if (place->start_routine)
            frame_line(place->start_routine, "runs ", line, width);
        return line;
    }
    if (number == 1) {
        put(line, width, frames ? "created at" : "the creator is not known");
        return line;
    }
    if (number < 2 + frames) {
        const struct frame *frame = &place->stack[number - 2];
        frame_line(frame, frame == place->user_frame ? "> " : "  ", line, width);
        return line;
    }
    if (number == 2 + frames) {
        char text[LINE];
        snprintf(text, sizeof(text), "%" PRIu64 " alive, %" PRIu64 " finished and not joined:", row->alive,
                 row->unjoined);
        put(line, width, text);
        return line;
    }
    if (!(thread = thread_of_row(top, row, number - frames - 3)))
        return NULL;
    thread_line(thread, line, width);
    return line;
}

bool top_row_matches(const struct top_row *row, const char *text)
{
    char site[600];
    format_site(site, sizeof(site), row->place, SITE_ALL);
    return !text || !*text || strcasestr(site, text);
}
