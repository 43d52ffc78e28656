#include "report/tree/names.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "base/text.h"
#include "report/common/phrases.h"

/* ---- one function -------------------------------------------------------------------------- */

/* "main::{lambda()#1}" without the name of its call. */
static void cut_call_of_lambda(char *name)
{
    static const char call[] = "}::operator()";
    size_t length = strlen(name), end = sizeof(call) - 1;
    if (length > end && strcmp(name + length - end, call) == 0)
        name[length - end + 1] = '\0';
}

/* The name without its first component: "pool::run" of "net::pool::run". NULL: it has only one. */
static const char *without_first(const char *name)
{
    int depth = 0;
    for (const char *at = name; *at; at++) {
        if (strchr("<([{", *at))
            depth++;
        else if (strchr(">)]}", *at) && !(at > name && at[-1] == '-'))
            depth -= depth > 0;
        else if (!depth && at[0] == ':' && at[1] == ':' && at > name)
            return at + 2;
    }
    return NULL;
}

/* "run<...>" of "void net::Pool<A>::run<B>(int) const" with a width of 8. NULL: out of memory. */
static char *brief_name(const char *name, size_t width)
{
    const char *end = function_arguments(name), *begin = end ? function_past_type(name, end) : name;
    char *whole = end ? strndup(begin, (size_t)(end - begin)) : strdup(name);
    if (!whole)
        return NULL;
    cut_call_of_lambda(whole);
    char *brief = function_shorten(whole, width);
    free(whole);
    const char *rest = brief, *next;
    while (rest && strlen(rest) > width && (next = without_first(rest)))
        rest = next;
    if (rest && rest != brief)
        memmove(brief, rest, strlen(rest) + 1);
    return brief;
}

void tree_function(char *out, size_t size, const struct frame *frame, size_t width)
{
    char *brief = frame->function && width < TREE_NO_LIMIT ? brief_name(frame->function, width) : NULL;
    struct frame shown = *frame;
    shown.function = brief ? brief : frame->function;
    format_function(out, size, &shown, width < TREE_NO_LIMIT ? width : TREE_NO_LIMIT - 1);
    free(brief);
}

/* ---- several ------------------------------------------------------------------------------ */

/* "name", or "name x37" for calls of itself. Returns the number of frames. */
static size_t put_calls(FILE *out, const struct frame *const *frames, size_t count, size_t width)
{
    char name[TREE_NO_LIMIT];
    size_t calls = 1;
    while (calls < count && frames[0]->function && compare_functions(frames[0], frames[calls]) == 0)
        calls++;
    tree_function(name, sizeof(name), frames[0], width);
    put_escaped(out, name);
    if (calls > 1)
        fprintf(out, " ×%zu", calls);
    return calls;
}

/* Omits `omitted` frames after the first one. */
static char *join(const struct frame *const *frames, size_t count, size_t omitted, size_t width)
{
    struct text_buffer text;
    if (!text_open(&text))
        return NULL;
    for (size_t i = 0; i < count;) {
        fputs(i ? " > " : "", text.out);
        if (i > 0 && omitted) {
            fprintf(text.out, "... %zu more > ", omitted);
            i += omitted;
            omitted = 0;
        }
        size_t left = omitted && i == 0 ? 1 : count - i;
        i += put_calls(text.out, &frames[i], left, width);
    }
    return text_close(&text);
}

/* In the order in which they are tried. */
static const struct {
    size_t last, name; /* number of innermost frames that are kept, beside the outermost; 0: all */
} ways[] = {{0, TREE_NAME}, {0, TREE_NAME_SHORT}, {3, TREE_NAME}, {3, TREE_NAME_SHORT}, {2, TREE_NAME_SHORT}};

static bool keeps_all(size_t way, size_t count)
{
    return !ways[way].last || ways[way].last + 2 >= count;
}

char *tree_functions(const struct tree_range *range, size_t from, size_t to, size_t width)
{
    const struct frame *const *frames = (const struct frame *const *)range->entries[0].frames + from;
    size_t count = to - from;
    if (width >= TREE_NO_LIMIT)
        return join(frames, count, 0, TREE_NO_LIMIT);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        size_t omitted = keeps_all(i, count) ? 0 : count - ways[i].last - 1;
        char *text = join(frames, count, omitted, ways[i].name);
        if (!text || escaped_width(text) <= width)
            return text;
        free(text);
    }
    size_t dots = count > 1 ? strlen("... > ") : 0;
    char *last = join(&frames[count - 1], 1, 0, width > dots ? width - dots : 0), *all = NULL;
    if (!last || count == 1)
        return last;
    int length = asprintf(&all, "... > %s", last);
    free(last);
    return length < 0 ? NULL : all;
}

static bool is_one_place(const struct tree_range *range, size_t depth)
{
    const struct frame *first = range->entries[0].frames[depth - 1];
    for (size_t i = 1; i < range->count; i++)
        if (range->entries[i].frames[depth - 1]->line != first->line)
            return false;
    return true;
}

char *tree_place(const struct printer *printer, const struct tree_range *range, size_t depth, size_t width)
{
    char place[PATH_MAX + 16];
    if (!depth)
        return strdup("");
    struct frame frame = *range->entries[0].frames[depth - 1];
    frame.line = is_one_place(range, depth) ? frame.line : 0;
    format_place(place, sizeof(place), &frame, is_verbose(printer));
    return escaped_copy(escaped_width(place) > width ? path_basename(place) : place);
}
