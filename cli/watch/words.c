#include "cli/watch/words.h"

#include <math.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/path.h"
#include "find/find.h"

const char *rate_text(double per_s, char text[RATE_TEXT])
{
    static const struct {
        double seconds;
        const char *unit;
    } units[] = {{1, "/s"}, {60, "/min"}, {3600, "/h"}};
    size_t i = 0;
    while (i < 2 && fabs(per_s) * units[i].seconds < 1)
        i++;
    double rate = per_s * units[i].seconds;
    if (fabs(rate) < 0.05)
        snprintf(text, RATE_TEXT, "-");
    else
        snprintf(text, RATE_TEXT, "%+.*f%s", fabs(rate) < 100, rate, units[i].unit);
    return text;
}

const char *time_text(double seconds, char text[TIME_TEXT])
{
    if (seconds < 10)
        snprintf(text, TIME_TEXT, "%.1f s", seconds);
    else if (seconds < 120)
        snprintf(text, TIME_TEXT, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(text, TIME_TEXT, "%.0f min", seconds / 60);
    else if (seconds < 2 * 86400)
        snprintf(text, TIME_TEXT, "%.0f h", seconds / 3600);
    else if (seconds < 1e9)
        snprintf(text, TIME_TEXT, "%.0f days", seconds / 86400);
    else
        snprintf(text, TIME_TEXT, "decades");
    return text;
}

static void line_add_escaped(struct line *line, char *text)
{
    char *safe = text ? escaped_copy(text) : NULL;
    line_add(line, "%s", safe ? safe : "?");
    free(safe);
    free(text);
}

void line_add_place(struct line *line, const struct site_count *item)
{
    const struct frame *creator = creator_frame(item->place);
    if (!creator || !creator->file || creator->line <= 0)
        return;
    line_add_escaped(line, strdup(path_basename(creator->file)));
    line_add(line, ":%d", creator->line);
}

/* Without symbols: "libfoo.so+0x1234". */
static char *name_of(const struct frame *frame, size_t width)
{
    char *text = NULL;
    if (frame->function)
        return width ? function_shorten(frame->function, width) : strdup(frame->function);
    bool made = frame->module ? asprintf(&text, "%s+0x%llx", path_basename(frame->module),
                                         (unsigned long long)frame->offset) >= 0
                              : asprintf(&text, "0x%llx", (unsigned long long)frame->pc) >= 0;
    return made ? text : NULL;
}

void line_add_function(struct line *line, const struct site_count *item, size_t width)
{
    const struct frame *creator = creator_frame(item->place), *start = item->place->start_routine;
    if (!creator && !start) {
        line_add(line, "unknown place");
        return;
    }
    if (!creator)
        line_add(line, "start routine ");
    line_add_escaped(line, name_of(creator ? creator : start, width));
}

/* ---- verdicts ----------------------------------------------------------------------------------- */

const char *why_code(enum watch_why why)
{
    static const char *const codes[WATCH_WHYS] = {[WATCH_ALIVE] = "above-threshold",
                                                  [WATCH_UNJOINED] = "above-threshold",
                                                  [WATCH_UNJOINED_LONG] = "waits-too-long",
                                                  [WATCH_ASLEEP] = "waits-too-long"};
    return codes[why] ? codes[why] : finding_name(FINDING_GROWING);
}

/* In a line of 80 columns, of which so many are for what follows. */
static size_t columns_left(const struct line *line, size_t follow)
{
    enum { COLUMNS = 80, LEAST = 16 };
    size_t used = line->length + follow;
    return used + LEAST < COLUMNS ? COLUMNS - used : LEAST;
}

static void add_created(struct line *line, const struct site_count *item, size_t follow)
{
    size_t before = line->length;
    const struct frame *creator = creator_frame(item->place);
    if (!creator) {
        line_add(line, item->place->start_routine ? " of " : " from an ");
        line_add_function(line, item, columns_left(line, follow + sizeof("start routine")));
        return;
    }
    line_add(line, " created at ");
    size_t at = line->length;
    line_add_place(line, item);
    if (line->length == at)
        line->length = before, line->text[before] = 0, line_add(line, " created");
    line_add(line, " by ");
    line_add_function(line, item, columns_left(line, follow));
}

static const char *word_of(enum watch_why why)
{
    static const char *const words[WATCH_WHYS] = {[WATCH_ALIVE] = "TOO MANY",
                                                  [WATCH_UNJOINED] = "TOO MANY",
                                                  [WATCH_UNJOINED_LONG] = "UNJOINED",
                                                  [WATCH_ASLEEP] = "WAITING"};
    return words[why] ? words[why] : finding_help_of(FINDING_GROWING)->verdict;
}

void line_add_verdict(struct line *line, const struct watched *watched, size_t index, enum watch_why why)
{
    const struct site_count *item = &watched->counts.items[index];
    const struct watched_site *site = &watched->sites[index];
    const struct series *series = site_growth(site, why);
    bool unjoined = why == WATCH_UNJOINED_GROWS || why == WATCH_UNJOINED || why == WATCH_UNJOINED_LONG;
    unsigned long long count = unjoined              ? item->threads.unjoined
                               : why == WATCH_ASLEEP ? site->asleep
                                                     : site_alive(item);
    char text[RATE_TEXT > TIME_TEXT ? RATE_TEXT : TIME_TEXT];
    struct line end = {.length = 0};
    if (why <= WATCH_UNJOINED_GROWS && series)
        line_add(&end, ", %s", rate_text(series->growth.per_s, text));
    if (why == WATCH_UNJOINED_LONG)
        line_add(&end, "; the first ended %s ago", time_text(item->oldest_unjoined_s, text));
    if (why == WATCH_ASLEEP)
        line_add(&end, "; the longest for %s", time_text(site->asleep_s, text));
    line_add(line, "%s: %llu %sthread%s", word_of(why), count, unjoined ? "unjoined " : "", plural(count));
    add_created(line, item, end.length);
    line_add(line, "%s", end.text);
}
