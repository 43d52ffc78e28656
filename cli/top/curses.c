#include "cli/top/curses.h"

#include <dlfcn.h>

#define LIBRARY "libncursesw.so.6"

struct curses curses;

bool curses_load(struct error *error)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool complete = library != NULL;
#define CURSES_FIND(function)                                                                    \
    if (complete && !(curses.function = (__typeof__(curses.function))dlsym(library, #function))) \
        complete = false;
    CURSES_FUNCTIONS(CURSES_FIND)
#undef CURSES_FIND
    if (complete)
        return true;
    return error_set(error, "%s; install ncurses (Debian: libncursesw6), or use --batch", dlerror());
}
