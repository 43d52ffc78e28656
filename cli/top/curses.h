/*
 * The functions of ncurses. It is loaded when the screen begins: no other command needs it.
 */
#ifndef THREADLEAK_CLI_TOP_CURSES_H
#define THREADLEAK_CLI_TOP_CURSES_H

#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 0
#include <curses.h>
#include <stdbool.h>

#include "base/error.h"

#define CURSES_FUNCTIONS(FUNCTION) \
    FUNCTION(initscr)              \
    FUNCTION(endwin)               \
    FUNCTION(cbreak)               \
    FUNCTION(noecho)               \
    FUNCTION(curs_set)             \
    FUNCTION(keypad)               \
    FUNCTION(wtimeout)             \
    FUNCTION(wgetch)               \
    FUNCTION(wmove)                \
    FUNCTION(waddnstr)             \
    FUNCTION(wclrtoeol)            \
    FUNCTION(wclrtobot)            \
    FUNCTION(wattr_on)             \
    FUNCTION(wattr_off)            \
    FUNCTION(wrefresh)             \
    FUNCTION(getmaxy)              \
    FUNCTION(getmaxx)

struct curses {
#define CURSES_MEMBER(name) __typeof__(name) *name;
    CURSES_FUNCTIONS(CURSES_MEMBER)
#undef CURSES_MEMBER
};

/* Valid after curses_load() returned true. */
extern struct curses curses;

/* False: error says which package is missing. */
bool curses_load(struct error *error);

#endif
