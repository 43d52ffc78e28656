#include "cli/watch/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/common/terminal.h"
#include "cli/watch/print.h"

void live_begin(struct live *live, bool wanted)
{
    const char *type = getenv("TERM");
    *live = (struct live){.on = wanted && isatty(STDOUT_FILENO) && type && *type && strcmp(type, "dumb")};
}

/* ECMA-48: cursor up, erase to the end of the screen. */
void live_clear(struct live *live)
{
    if (live->lines)
        printf("\033[%zuA\033[J", live->lines);
    live->lines = 0;
    fflush(stdout);
}

static size_t screen_rows(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 6 ? size.ws_row : 24;
}

void live_show(struct live *live, const struct watch_targets *targets)
{
    if (!live->on)
        return;
    live_clear(live);
    size_t room = screen_rows() - 2, width = terminal_width(STDOUT_FILENO);
    for (size_t i = 0; i < targets->count && live->lines + 4 <= room; i++) {
        const struct watched *watched = &targets->items[i];
        if (!watched->samples)
            continue;
        /* A shorter line never wraps, which would move the cursor one line more. */
        size_t left = targets->count - i, rows = (room - live->lines) / left;
        printf("%s: %llu threads\n", watched->label, (unsigned long long)watched->tasks);
        live->lines +=
            1 + print_sites(stdout, watched, rows > 4 ? rows - 3 : 1, (width ? width : 80) - 1, true);
    }
    fflush(stdout);
}
