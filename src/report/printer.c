#include "report/text_parts.h"

#include "base/escape.h"
#include "report/phrases.h"

#define NAME_WIDTH 64       /* longer names are cut in their middle … */
#define USER_NAME_WIDTH 100 /* … but the name of the first user frame at this width */
#define COLUMN_WIDTH 40     /* longer names do not move the column of places */
#define NAME_MAX_BYTES 4096 /* width of a name that is shown in full */

void paint(const struct printer *printer, enum paint how)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m"};
    if (printer->style->color)
        fputs(codes[how], printer->out);
}

bool is_verbose(const struct printer *printer)
{
    return printer->style->verbose > 0;
}

static void name_of(const struct printer *printer, const struct frame *frame, bool is_user,
                    char name[NAME_MAX_BYTES])
{
    size_t width = is_verbose(printer) ? NAME_MAX_BYTES - 1 : is_user ? USER_NAME_WIDTH : NAME_WIDTH;
    format_function(name, NAME_MAX_BYTES, frame, width);
}

void put_frame(const struct printer *printer, const struct frame *frame, bool is_user, size_t column)
{
    char name[NAME_MAX_BYTES], place[1200];
    name_of(printer, frame, is_user, name);
    format_place(place, sizeof(place), frame, is_verbose(printer));
    size_t width = put_escaped(printer->out, name);
    if (!*place)
        return;
    fprintf(printer->out, "%*s   ", (int)(column > width ? column - width : 0), "");
    put_escaped(printer->out, place);
}

struct frames shown_frames(const struct printer *printer, struct frames frames)
{
    if (is_verbose(printer) || !frames.user_frame)
        return frames;
    while (frames.items[frames.count - 1].runtime)
        frames.count--;
    while (frames.items[0].runtime && frames.items + 1 < frames.user_frame) {
        frames.items++;
        frames.count--;
    }
    return frames;
}

static size_t column_of(const struct printer *printer, const struct frames *frames)
{
    size_t column = 0;
    for (size_t i = 0; i < frames->count; i++) {
        char name[NAME_MAX_BYTES];
        const struct frame *frame = &frames->items[i];
        name_of(printer, frame, frame == frames->user_frame, name);
        size_t width = escaped_width(name);
        if (width > column && width <= COLUMN_WIDTH)
            column = width;
    }
    return column;
}

void put_frames(const struct printer *printer, const struct frames *frames)
{
    size_t column = column_of(printer, frames);
    for (size_t i = 0; i < frames->count; i++) {
        const struct frame *frame = &frames->items[i];
        bool is_user = frame == frames->user_frame;
        enum paint how = is_user ? BOLD : frame->runtime ? DIM : PLAIN;
        if (how != PLAIN)
            paint(printer, how);
        fputs(is_user ? "  > " : "    ", printer->out);
        put_frame(printer, frame, is_user, column);
        if (how != PLAIN)
            paint(printer, PLAIN);
        putc('\n', printer->out);
    }
}
