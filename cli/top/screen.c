#include "cli/top/screen.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "cli/top/curses.h"
#include "cli/top/findings.h"
#include "cli/top/wait.h"

enum { LINE = 2048, HEAD = 4, ESCAPE = 27 };

enum mode { MODE_SITES, MODE_SITE, MODE_HELP, MODE_SEARCH, MODE_FINDINGS };

struct screen {
    struct top *top;
    WINDOW *window;
    enum mode mode;
    enum top_order order;
    bool paused;
    size_t selected, first;         /* in the list of matching rows */
    const struct leak_group *place; /* MODE_SITE: of which site */
    size_t page_first;
    char search[40];
    char *findings; /* lines; NULL: not asked for */
};

/* ---- drawing -------------------------------------------------------------------------------------- */

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

static size_t list_height(const struct screen *screen)
{
    size_t rows = height(screen);
    return rows > HEAD + 1 ? rows - HEAD - 1 : 1;
}

static bool is_shown(const struct screen *screen, const struct top_row *row)
{
    return (row->alive || row->unjoined || row->created) && top_row_matches(row, screen->search);
}

/* The n-th row of the list; NULL: there is none. */
static const struct top_row *row_at(const struct screen *screen, size_t number)
{
    for (size_t i = 0; i < screen->top->row_count; i++)
        if (is_shown(screen, &screen->top->rows[i]) && number-- == 0)
            return &screen->top->rows[i];
    return NULL;
}

static void keep_selection(struct screen *screen)
{
    while (screen->selected && !row_at(screen, screen->selected))
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
    for (size_t i = screen->first; at < HEAD + list_height(screen) && (row = row_at(screen, i)); i++, at++) {
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

static void draw_all(struct screen *screen)
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

/* ---- keys ------------------------------------------------------------------------------------------- */

static void move_by(struct screen *screen, long by)
{
    size_t *at = screen->mode == MODE_SITE ? &screen->page_first : &screen->selected;
    *at = by < 0 && *at < (size_t)-by ? 0 : (size_t)((long)*at + by);
}

static void search_key(struct screen *screen, int key)
{
    size_t length = strlen(screen->search);
    if (key == '\n' || key == KEY_ENTER)
        screen->mode = MODE_SITES;
    else if (key == ESCAPE) {
        screen->mode = MODE_SITES;
        screen->search[0] = 0;
    } else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && length)
        screen->search[length - 1] = 0;
    else if (key >= ' ' && key < 127 && length + 1 < sizeof(screen->search)) {
        screen->search[length] = (char)key;
        screen->search[length + 1] = 0;
    }
}

static void open_or_close(struct screen *screen)
{
    const struct top_row *row = row_at(screen, screen->selected);
    bool opens = screen->mode == MODE_SITES && row != NULL;
    screen->mode = opens ? MODE_SITE : MODE_SITES;
    screen->place = opens ? row->place : NULL;
    screen->page_first = 0;
}

static void take_findings(struct screen *screen)
{
    free(screen->findings);
    screen->findings = findings_take(screen->top->pid);
    screen->mode = MODE_FINDINGS;
}

static void back(struct screen *screen)
{
    if (screen->mode == MODE_SITES)
        screen->search[0] = 0;
    screen->mode = MODE_SITES;
}

static void up(struct screen *screen)
{
    move_by(screen, -1);
}

static void down(struct screen *screen)
{
    move_by(screen, 1);
}

static void page_up(struct screen *screen)
{
    move_by(screen, 1 - (long)list_height(screen));
}

static void page_down(struct screen *screen)
{
    move_by(screen, (long)list_height(screen) - 1);
}

static void pause_or_go_on(struct screen *screen)
{
    screen->paused = !screen->paused;
}

static void begin_search(struct screen *screen)
{
    screen->mode = MODE_SEARCH;
}

static void next_order(struct screen *screen)
{
    screen->order = (screen->order + 1) % TOP_ORDERS;
    top_sort(screen->top, screen->order);
}

static void help_or_back(struct screen *screen)
{
    screen->mode = screen->mode == MODE_HELP ? MODE_SITES : MODE_HELP;
}

static const struct {
    int key;
    void (*act)(struct screen *screen);
} actions[] = {
    {KEY_UP, up},          {'k', up},
    {KEY_DOWN, down},      {'j', down},
    {KEY_PPAGE, page_up},  {KEY_NPAGE, page_down},
    {'\n', open_or_close}, {KEY_ENTER, open_or_close},
    {ESCAPE, back},        {' ', pause_or_go_on},
    {'/', begin_search},   {'s', next_order},
    {'f', take_findings},  {'h', help_or_back},
    {'?', help_or_back},
};

/* False: quit. */
static bool press(struct screen *screen, int key)
{
    if (screen->mode == MODE_SEARCH)
        search_key(screen, key);
    else if (key == 'q')
        return false;
    else
        for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
            if (actions[i].key == key)
                actions[i].act(screen);
    return true;
}

/* ---- the loop ---------------------------------------------------------------------------------------- */

/* All keys that were pressed: ncurses reads several at once. False: quit. */
static bool press_all(struct screen *screen)
{
    for (int key; (key = curses.wgetch(screen->window)) != ERR;) {
        if (!press(screen, key))
            return false;
        draw_all(screen);
    }
    return true;
}

/* Until the next sample, keys are drawn at once. False: quit. */
static bool handle_keys(struct screen *screen, int interval_ms)
{
    uint64_t interval = (uint64_t)interval_ms * 1000000u, until = now_ns() + interval;
    while (!top_is_due(until, interval))
        if (!top_wait(until, STDIN_FILENO) || !press_all(screen))
            return false;
    return true;
}

static enum top_end follow(struct screen *screen, int interval_ms, struct error *error)
{
    enum sample_status status = SAMPLE_OK;
    for (bool shown = false;; shown = true) {
        if (!screen->paused)
            status = top_read(screen->top, error);
        if (status == SAMPLE_GONE)
            return shown ? TOP_GONE : TOP_FAILED;
        if (status == SAMPLE_OK)
            top_sort(screen->top, screen->order);
        draw_all(screen);
        if (!handle_keys(screen, interval_ms))
            return TOP_QUIT;
    }
}

static enum top_end failed(struct error *error, const char *why)
{
    error_set(error, "%s; --batch prints plain lines", why);
    return TOP_FAILED;
}

enum top_end screen_show(struct top *top, int interval_ms, struct error *error)
{
    struct screen screen = {.top = top};
    const char *terminal = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !terminal || !*terminal)
        return failed(error, "this is no terminal");
    if (!curses_load(error))
        return TOP_FAILED;
    setlocale(LC_CTYPE, "");
    /* It ends the program if it does not know the terminal. */
    screen.window = curses.initscr();
    if (!screen.window)
        return failed(error, "the terminal cannot be used");
    curses.cbreak();
    curses.noecho();
    curses.keypad(screen.window, true);
    curses.curs_set(0);
    curses.wtimeout(screen.window, 0);
    enum top_end end = follow(&screen, interval_ms, error);
    curses.endwin();
    free(screen.findings);
    return end;
}
