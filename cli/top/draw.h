/*
 * What `threadleak top` shows on the terminal. The screen has the list of sites, one site, or a text; keys.c
 * changes that.
 */
#ifndef THREADLEAK_CLI_TOP_DRAW_H
#define THREADLEAK_CLI_TOP_DRAW_H

#include "cli/top/curses.h"
#include "cli/top/top.h"

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

/* Draws all of it. */
void draw_screen(struct screen *screen);

/* Rows between the head and the last line: at least 1. */
size_t list_height(const struct screen *screen);
/* The n-th row of the list; NULL: there is none. */
const struct top_row *listed_row(const struct screen *screen, size_t number);

/* What the key does (keys.c). False: quit. */
bool press_key(struct screen *screen, int key);

#endif
