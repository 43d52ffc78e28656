#include "cli/top/screen.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/top/draw.h"
#include "cli/top/wait.h"

/* All keys that were pressed: ncurses reads several at once. False: quit. */
static bool press_all(struct screen *screen)
{
    for (int key; (key = curses.wgetch(screen->window)) != ERR;) {
        if (!press_key(screen, key))
            return false;
        draw_screen(screen);
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
        draw_screen(screen);
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
