/* What the keys of `threadleak top` do. */
#include <stdlib.h>
#include <string.h>

#include "cli/top/draw.h"
#include "cli/top/findings.h"

enum { ESCAPE = 27 };

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
    const struct top_row *row = listed_row(screen, screen->selected);
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

bool press_key(struct screen *screen, int key)
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
