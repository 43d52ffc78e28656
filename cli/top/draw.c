#include "cli/top/draw.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

enum { LINE = 2048, HEAD = 4 };

static size_t height(const struct screen *screen)
{
    int rows = curses.getmaxy(screen->window);
    return rows > 0 ? (size_t)rows : 1;
}

static size_t width(const struct screen *screen)
{
    int columns = curses.getmaxx(screen->window);
    return columns < 1 ? 1 : columns > 500 ? 500 : (size_t)columns;
}

static void draw(struct screen *screen, size_t at, const char *line, attr_t attributes)
{
    if (at >= height(screen))
        return;
    curses.wmove(screen->window, (int)at, 0);
    curses.wattr_on(screen->window, attributes, NULL);
    curses.waddnstr(screen->window, line, -1);
    curses.wattr_off(screen->window, attributes, NULL);
    curses.wclrtoeol(screen->window);
}

size_t list_height(const struct screen *screen)
{
    size_t rows = height(screen);
    return rows > HEAD + 1 ? rows - HEAD - 1 : 1;
}

static bool is_shown(const struct screen *screen, const struct top_row *row)
{
    return (row->alive || row->unjoined || row->created) && top_row_matches(row, screen->search);
}

const struct top_row *listed_row(const struct screen *screen, size_t number)
{
    for (size_t i = 0; i < screen->top->row_count; i++)
        if (is_shown(screen, &screen->top->rows[i]) && number-- == 0)
            return &screen->top->rows[i];
    return NULL;
}

static void keep_selection(struct screen *screen)
{
    while (screen->selected && !listed_row(screen, screen->selected))
        screen->selected--;
    if (screen->selected < screen->first)
        screen->first = screen->selected;
    if (screen->selected >= screen->first + list_height(screen))
        screen->first = screen->selected - list_height(screen) + 1;
}

static void draw_sites(struct screen *screen)
{
    char line[LINE];
    size_t at = HEAD;
    const struct top_row *row;
    keep_selection(screen);
    top_columns(line, width(screen));
    draw(screen, HEAD - 1, line, A_BOLD);
    for (size_t i = screen->first; at < HEAD + list_height(screen) && (row = listed_row(screen, i));
         i++, at++) {
        top_line(row, line, width(screen));
        draw(screen, at, line, i == screen->selected ? A_REVERSE : A_NORMAL);
    }
    if (at == HEAD)
        draw(screen, at++, screen->search[0] ? "  no site matches" : "  no threads were created yet",
             A_NORMAL);
    curses.wmove(screen->window, (int)at, 0);
    curses.wclrtobot(screen->window);
}

static const struct top_row *row_of_page(const struct screen *screen)
{
    for (size_t i = 0; i < screen->top->row_count; i++)
        if (screen->top->rows[i].place == screen->place)
            return &screen->top->rows[i];
    return NULL;
}

static void draw_site(struct screen *screen)
{
    char line[LINE];
    size_t at = HEAD - 1;
    const struct top_row *row = row_of_page(screen);
    for (size_t i = screen->page_first; row && at < HEAD + list_height(screen); i++, at++) {
        if (!top_page_line(screen->top, row, i, line, width(screen)))
            break;
        draw(screen, at, line, line[0] == '>' ? A_BOLD : A_NORMAL);
    }
    curses.wmove(screen->window, (int)at, 0);
    curses.wclrtobot(screen->window);
}

static void draw_help(struct screen *screen)
{
    static const char *const lines[] = {
        "up, down, page keys   choose a site",
        "Enter                 its creation stack and its threads; Enter or Esc: back",
        "s                     next order: alive, +/min, unjoined, oldest, CPU",
        "/                     show only sites with a text; Esc: all again",
        "f                     findings: deadlocks, stuck threads …",
        "space                 pause, and go on",
        "h or ?                this help",
        "q                     quit",
        "",
        "+/min: by how much alive and unjoined threads rose in the last minute.",
        "The process is not stopped, except by f, for some milliseconds. Current",
        "stacks are in 'threadleak report PID'.",
    };
    size_t count = sizeof(lines) / sizeof(*lines);
    for (size_t i = 0; i < count; i++)
        draw(screen, HEAD - 1 + i, lines[i], A_NORMAL);
    curses.wmove(screen->window, (int)(HEAD - 1 + count), 0);
    curses.wclrtobot(screen->window);
}

/* Wrapped, and without control characters: the names in them come from the program. */
static void draw_findings(struct screen *screen)
{
    char line[LINE];
    size_t at = HEAD - 1, columns = width(screen);
    for (const char *rest = screen->findings; rest && *rest && at < HEAD + list_height(screen); at++) {
        size_t length = strcspn(rest, "\n"), taken = length < columns ? length : columns;
        while (taken < length && taken && rest[taken] != ' ')
            taken--;
        taken = taken ? taken : columns;
        snprintf(line, sizeof(line), "%.*s", (int)taken, rest);
        replace_controls(line);
        draw(screen, at, line, A_NORMAL);
        rest += taken;
        rest += strspn(rest, taken == length ? "\n" : " ");
    }
    curses.wmove(screen->window, (int)at, 0);
    curses.wclrtobot(screen->window);
}

static void draw_foot(struct screen *screen)
{
    char line[160];
    if (screen->mode == MODE_SEARCH)
        snprintf(line, sizeof(line), "search: %s_", screen->search);
    else
        snprintf(line, sizeof(line),
                 "%sq quit  h help  s order: %s  / %s%s  Enter site  f findings  space pause",
                 screen->paused ? "PAUSED  " : "", top_order_name(screen->order),
                 screen->search[0] ? "only " : "search", screen->search);
    top_drop_items(line, width(screen) - 1);
    line[width(screen) < sizeof(line) ? width(screen) - 1 : sizeof(line) - 1] = 0;
    draw(screen, height(screen) - 1, line, A_DIM);
}

void draw_screen(struct screen *screen)
{
    char line[LINE];
    top_title(screen->top, line, width(screen));
    draw(screen, 0, line, A_BOLD);
    top_counts(screen->top, line, width(screen));
    draw(screen, 1, line, A_NORMAL);
    draw(screen, 2, "", A_NORMAL);
    if (screen->mode == MODE_HELP)
        draw_help(screen);
    else if (screen->mode == MODE_SITE && row_of_page(screen))
        draw_site(screen);
    else if (screen->mode == MODE_FINDINGS)
        draw_findings(screen);
    else
        draw_sites(screen);
    draw_foot(screen);
    curses.wrefresh(screen->window);
}
