/* Stacks, one frame a line. Some rows of frames are one line. */
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "report/common/interpreter.h"
#include "report/text/text.h"

#define COLUMN_WIDTH 40     /* longer names do not move the column of places */
#define NAMELESS_SHOWN 8    /* frames in a row without names; a longer row is one line */
#define GENERATED_SHOWN 2   /* frames in a row that are in no file, as code that a JVM compiles: the same */
#define LIBRARY_SHOWN 4     /* frames of libraries in a row, between two of the program; the same */
#define INTERPRETER_SHOWN 3 /* frames of an interpreter in a row; the others are one line */
#define REPEATED_SHOWN 2    /* frames in a row that read as the one before them; the same */
#define OUTER_SHOWN 8       /* of a stack whose middle is omitted: the outermost lines */
#define MARGIN 4            /* columns before a frame */

/* What the user called, also where the user's code is not on the stack: a framework's. */
static const struct frame *first_shown(const struct frames *frames)
{
    for (size_t i = 0; i < frames->count && !frames->user_frame; i++)
        if (frames->items[i].framework)
            return &frames->items[i];
    return frames->user_frame;
}

struct frames shown_frames(const struct printer *printer, struct frames frames)
{
    const struct frame *first = first_shown(&frames);
    if (is_verbose(printer) || !first)
        return frames;
    while (frames.items[frames.count - 1].runtime && &frames.items[frames.count - 1] != first &&
           (frames.user_frame || !frames.items[frames.count - 1].framework))
        frames.count--;
    while (frames.items[0].runtime && frames.items + 1 < first) {
        frames.items++;
        frames.count--;
    }
    return frames;
}

/* A line of a stack: a frame, or several that are shown as one line. */
enum row_kind { ROW_FRAME, ROW_NAMELESS, ROW_LIBRARIES, ROW_CALLERS, ROW_INTERPRETER, ROW_REPEATED };
struct row {
    const struct frame *first;
    size_t count;
    enum row_kind kind;
};

static bool are_different(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") != 0;
}

static size_t nameless_from(const struct frames *frames, size_t from)
{
    size_t end = from;
    while (end < frames->count && !frames->items[end].function && &frames->items[end] != frames->user_frame)
        end++;
    return end - from;
}

static size_t generated_from(const struct frames *frames, size_t from)
{
    size_t end = from, nameless = from + nameless_from(frames, from);
    while (end < nameless && !frames->items[end].module)
        end++;
    return end - from;
}

/* Frames of libraries before one that the program called, for example those between std::function and the
 * function in it.
 */
static size_t libraries_from(const struct frames *frames, size_t from)
{
    size_t end = from;
    while (end < frames->count && frames->items[end].runtime)
        end++;
    return from > 0 && end > from && end < frames->count ? end - from - 1 : 0;
}

/* All callers of what a std::thread calls, where none is the user's, as in std::thread(pause). */
static size_t callers_from(const struct frames *frames, size_t from)
{
    const char *function = frames->items[from].function;
    bool begins = from > 0 && !frames->user_frame && function && strstr(function, "std::__invoke");
    size_t end = from;
    while (begins && end < frames->count && frames->items[end].runtime)
        end++;
    return end == frames->count ? end - from : 0;
}

static const struct interpreter *folding_interpreter(const struct frame *frame)
{
    const struct interpreter *interpreter = frame_interpreter(frame);
    return interpreter && interpreter->folded ? interpreter : NULL;
}

/* Frames of one interpreter, but not the innermost ones in the row: these are what the interpreted program
 * called. */
static size_t interpreter_from(const struct frames *frames, size_t from)
{
    const struct interpreter *interpreter = folding_interpreter(&frames->items[from]);
    size_t end = from, before = 0;
    while (before < INTERPRETER_SHOWN && before < from &&
           folding_interpreter(&frames->items[from - before - 1]) == interpreter)
        before++;
    if (!interpreter || before < INTERPRETER_SHOWN)
        return 0;
    while (end < frames->count && folding_interpreter(&frames->items[end]) == interpreter &&
           &frames->items[end] != frames->user_frame)
        end++;
    return end - from;
}

/* Frames that read as the one before them: recursion. */
static size_t repeated_from(const struct frames *frames, size_t from)
{
    const struct frame *before = from > 0 ? &frames->items[from - 1] : NULL;
    size_t end = from;
    while (before && before->function && end < frames->count && frames->items[end].line == before->line &&
           !are_different(frames->items[end].function, before->function) &&
           !are_different(frames->items[end].module, before->module) &&
           !are_different(frames->items[end].file, before->file) && &frames->items[end] != frames->user_frame)
        end++;
    return end - from;
}

/* The row that begins with this frame. */
static struct row row_at(const struct printer *printer, const struct frames *frames, size_t index)
{
    const struct frame *first = &frames->items[index];
    if (is_verbose(printer))
        return (struct row){first, 1, ROW_FRAME};
    size_t interpreter = interpreter_from(frames, index);
    size_t nameless = nameless_from(frames, index), libraries = libraries_from(frames, index);
    size_t generated = generated_from(frames, index), repeated = repeated_from(frames, index);
    size_t callers = callers_from(frames, index);
    if (interpreter > 1)
        return (struct row){first, interpreter, ROW_INTERPRETER};
    if (callers >= LIBRARY_SHOWN)
        return (struct row){first, callers, ROW_CALLERS};
    if (libraries >= LIBRARY_SHOWN)
        return (struct row){first, libraries, ROW_LIBRARIES};
    if (repeated > REPEATED_SHOWN)
        return (struct row){first, repeated, ROW_REPEATED};
    if (nameless > NAMELESS_SHOWN)
        return (struct row){first, nameless, ROW_NAMELESS};
    if (generated > GENERATED_SHOWN)
        return (struct row){first, generated, ROW_NAMELESS};
    return (struct row){first, 1, ROW_FRAME};
}

static size_t count_rows(const struct printer *printer, const struct frames *frames)
{
    size_t rows = 0;
    for (size_t i = 0; i < frames->count; i += row_at(printer, frames, i).count)
        rows++;
    return rows;
}

static size_t column_of(const struct printer *printer, const struct frames *frames)
{
    size_t column = 0;
    for (size_t i = 0; i < frames->count;) {
        struct row row = row_at(printer, frames, i);
        i += row.count;
        if (row.kind != ROW_FRAME)
            continue;
        size_t width = frame_name_width(printer, row.first, MARGIN);
        if (width > column && width <= COLUMN_WIDTH)
            column = width;
    }
    return column;
}

/* "    ... 12 frames without names in libfoo.so" */
static void put_nameless(const struct printer *printer, const struct row *row)
{
    const char *module = path_basename(row->first->module);
    bool others = false;
    for (size_t i = 1; i < row->count; i++)
        others |= are_different(row->first->module, row->first[i].module);
    fprintf(printer->out, "    ... %zu frames without names", row->count);
    if (module) {
        fputs(" in ", printer->out);
        put_escaped(printer->out, module);
    }
    fputs(others ? " and others\n" : "\n", printer->out);
    note_shortened(printer);
}

static void put_libraries(const struct printer *printer, const struct row *row)
{
    fprintf(printer->out, "    ... %zu frames of libraries\n", row->count);
    note_shortened(printer);
}

static void put_callers(const struct printer *printer, const struct row *row)
{
    fprintf(printer->out, "    ... %zu frames of the runtime\n", row->count);
    note_shortened(printer);
}

/* "    ... 12 frames of the Python interpreter" */
static void put_interpreter(const struct printer *printer, const struct row *row)
{
    fprintf(printer->out, "    ... %zu frames of the %s interpreter\n", row->count,
            frame_interpreter(row->first)->language);
    note_shortened(printer);
}

static void put_repeated(const struct printer *printer, const struct row *row)
{
    fprintf(printer->out, "    ... the same %zu more times\n", row->count);
    note_shortened(printer);
}

static void put_row(const struct printer *printer, const struct row *row, bool is_user, size_t column)
{
    static void (*const put[])(const struct printer *,
                               const struct row *) = {[ROW_NAMELESS] = put_nameless,
                                                      [ROW_LIBRARIES] = put_libraries,
                                                      [ROW_CALLERS] = put_callers,
                                                      [ROW_INTERPRETER] = put_interpreter,
                                                      [ROW_REPEATED] = put_repeated};
    enum paint how = is_user ? BOLD : row->first->runtime ? DIM : PLAIN;
    if (row->kind != ROW_FRAME) {
        put[row->kind](printer, row);
        return;
    }
    if (how != PLAIN)
        paint(printer, how);
    fputs(is_user ? "  > " : "    ", printer->out);
    put_frame(printer, row->first, MARGIN, column);
    if (how != PLAIN)
        paint(printer, PLAIN);
    putc('\n', printer->out);
}

/* "the same" names the frame of the line above it. If that is not shown, the first of the row is. */
static void put_named_row(const struct printer *printer, struct row row, bool after_frame,
                          const struct frame *user, size_t column)
{
    if (row.kind == ROW_REPEATED && !after_frame) {
        put_row(printer, &(struct row){row.first, 1, ROW_FRAME}, false, column);
        row.first++;
        row.count--;
    }
    put_row(printer, &row, row.first == user, column);
}

void put_frames(const struct printer *printer, const struct frames *frames, size_t max)
{
    size_t column = column_of(printer, frames), rows = count_rows(printer, frames), number = 0;
    bool omits = max && rows > max && !is_verbose(printer), after_frame = false;
    size_t from = omits ? max - OUTER_SHOWN : rows, to = omits ? rows - OUTER_SHOWN : rows, omitted = 0;
    for (size_t i = 0; i < frames->count; number++) {
        struct row row = row_at(printer, frames, i);
        bool shown = number < from || number >= to;
        i += row.count;
        omitted += shown ? 0 : row.count;
        if (number + 1 == to && omits)
            fprintf(printer->out, "    ... %zu more frames\n", omitted);
        if (shown)
            put_named_row(printer, row, after_frame, frames->user_frame, column);
        after_frame = shown && row.kind == ROW_FRAME;
    }
    if (omits)
        note_shortened(printer);
}
