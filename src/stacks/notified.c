/* The text about the last notification. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "stacks/stacks.h"

const struct frame *notified_place(const struct notified *notified)
{
    const struct shared_stack *stack = notified->stack;
    return stack && stack->count ? innermost_user_frame(stack->frames, stack->count) : NULL;
}

/* "in task_pool::~task_pool (pool.cpp:31)", without arguments. */
static void add_place(struct line *line, const struct notified *notified)
{
    const struct frame *frame = notified_place(notified);
    if (!frame || !frame->function)
        return;
    const char *name = frame->function, *arguments = function_arguments(name);
    int length = arguments ? (int)(arguments - name) : (int)strlen(name);
    char *whole = strndup(name, (size_t)length), *shorter = whole ? function_shorten(whole, 60) : NULL;
    line_add(line, " in %s", shorter ? shorter : name);
    if (frame->file)
        line_add(line, " (%s:%d)", path_basename(frame->file), frame->line);
    free(whole);
    free(shorter);
}

static void add_seconds(struct line *line, double seconds)
{
    if (seconds >= 10)
        line_add(line, "%.0f s", seconds);
    else if (seconds >= 0.1)
        line_add(line, "%.2f s", seconds);
    else if (seconds >= 0.001)
        line_add(line, "%.0f ms", seconds * 1e3);
    else
        line_add(line, "less than 1 ms");
}

void line_add_notified_time(struct line *line, const struct notified *notified)
{
    bool before = notified->ns < notified->wait_ns;
    uint64_t between = before ? notified->wait_ns - notified->ns : notified->ns - notified->wait_ns;
    if (!notified->wait_ns || !between)
        return;
    line_add(line, ", ");
    add_seconds(line, (double)between / 1e9);
    line_add(line, " %s this wait began", before ? "before" : "after");
}

void line_add_notified(struct line *line, const struct notified *notified)
{
    if (notified->state == NOTIFIED_NEVER)
        line_add(line, ", never notified");
    if (notified->state == NOTIFIED_UNSEEN)
        line_add(line, ", notifications of a futex are not recorded");
    if (notified->state != NOTIFIED_BY)
        return;
    if (notified->id)
        line_add(line, ", last notified by T%" PRIu64, notified->id);
    else
        line_add(line, ", last notified by an untracked thread");
    add_place(line, notified);
    line_add_notified_time(line, notified);
}
