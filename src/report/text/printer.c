/* Colors, and one frame. */
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "report/common/phrases.h"
#include "report/text/text.h"

#define NAME_MAX_BYTES 4096 /* width of a name that is shown in full */
#define PLACE_MAX_BYTES 1200
#define GAP 3 /* columns between a name and its place */
#define NAME_WIDTH_MIN 16

void note_shortened(const struct printer *printer)
{
    if (printer->shortened)
        *printer->shortened = true;
}

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

struct frame_text {
    char name[NAME_MAX_BYTES], place[PLACE_MAX_BYTES];
};

/* Omits the first directories, so that it has at most `width` columns, if the name of the file has not more.
 */
static void shorten_place(char *place, size_t width)
{
    const char *at = place;
    if (escaped_width(place) <= width)
        return;
    while ((at = strchr(at + 1, '/')) && strlen("...") + escaped_width(at) > width)
        ;
    size_t dots = at && (size_t)(at - place) >= strlen("...") ? strlen("...") : 0;
    if (!at)
        at = path_basename(place);
    memcpy(place, "...", dots);
    memmove(place + dots, at, strlen(at) + 1);
}

static void fit(const struct printer *printer, const struct frame *frame, size_t indent,
                struct frame_text *text)
{
    size_t width = printer->style->width, name = escaped_width(text->name),
           place = escaped_width(text->place);
    if (!width || is_verbose(printer) || indent + name + (place ? GAP + place : 0) <= width)
        return;
    note_shortened(printer);
    size_t room = width > indent + GAP + NAME_WIDTH_MIN ? width - indent - GAP : NAME_WIDTH_MIN;
    size_t for_place = name < room / 2 ? room - name : room - room / 2;
    shorten_place(text->place, for_place);
    place = escaped_width(text->place);
    size_t for_name = place ? (room > place + NAME_WIDTH_MIN ? room - place : NAME_WIDTH_MIN) : room + GAP;
    format_function(text->name, sizeof(text->name), frame, for_name);
}

static void make_text(const struct printer *printer, const struct frame *frame, size_t indent,
                      struct frame_text *text)
{
    format_function(text->name, sizeof(text->name), frame, sizeof(text->name) - 1);
    format_place(text->place, sizeof(text->place), frame, is_verbose(printer));
    fit(printer, frame, indent, text);
}

size_t frame_name_width(const struct printer *printer, const struct frame *frame, size_t indent)
{
    struct frame_text text;
    make_text(printer, frame, indent, &text);
    return escaped_width(text.name);
}

void put_frame(const struct printer *printer, const struct frame *frame, size_t indent, size_t column)
{
    struct frame_text text;
    make_text(printer, frame, indent, &text);
    size_t name = put_escaped(printer->out, text.name), place = escaped_width(text.place);
    if (!place)
        return;
    size_t width = printer->style->width, last = indent + GAP + place;
    if (width && column + last > width)
        column = width > last ? width - last : 0;
    fprintf(printer->out, "%*s", (int)((column > name ? column - name : 0) + GAP), "");
    put_escaped(printer->out, text.place);
}
