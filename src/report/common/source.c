#include "report/common/source.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path relative to `directory`; NULL: it is not below that. */
static const char *below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        length--;
    if (length < 2 || strncmp(path, directory, length) != 0 || path[length] != '/')
        return NULL;
    return path + length + 1;
}

const char *source_root(void)
{
    static char root[PATH_MAX];
    const char *workspace = getenv("GITHUB_WORKSPACE");
    if (!getcwd(root, sizeof(root)))
        root[0] = '\0';
    if (workspace && *workspace == '/' && (below(root, workspace) || !strcmp(root, workspace)))
        snprintf(root, sizeof(root), "%s", workspace);
    return root;
}

static bool is_below_source_root(const char *path)
{
    return path[0] != '/' || below(path, source_root());
}

/* "a/./b//c" as "a/b/c"; ".." stays: a symbolic link may come before it. */
static void tidy(char *path)
{
    char *to = path;
    for (const char *from = path; *from;) {
        bool begins = from == path || from[-1] == '/';
        if (begins && from[0] == '.' && from[1] == '/')
            from += 2;
        else if (begins && from != path && from[0] == '/')
            from++;
        else
            *to++ = *from++;
    }
    *to = '\0';
}

void format_source_path(char *out, size_t size, const char *path)
{
    const char *inside = below(path, source_root());
    snprintf(out, size, "%s", inside ? inside : path);
    tidy(out);
}

/* The outermost user frame of the current stack. */
static const struct frame *outermost_of(const struct thread_info *thread)
{
    const struct shared_stack *stack = thread->current ? thread->current->stack : NULL;
    return stack && !stack->incomplete ? outermost_user_frame(stack->frames, stack->count) : NULL;
}

const struct frame *run_frame(const struct leak_group *group)
{
    const struct frame *start = group->start_routine;
    if (!start || !start->runtime || !group->user_frame)
        return start;
    const struct frame *found = outermost_of(&group->threads[0]);
    for (size_t i = 1; found && i < group->thread_count; i++) {
        const struct frame *other = outermost_of(&group->threads[i]);
        if (!other || !other->function || !found->function || strcmp(other->function, found->function) != 0)
            found = NULL;
    }
    return found ? found : start->function || start->framework ? start : NULL;
}

const struct frame *source_frame(const struct leak_group *group)
{
    const struct frame *place = NULL;
    for (size_t i = 0; i < group->stack_count; i++) {
        const struct frame *frame = &group->stack[i];
        if (frame->runtime || !frame->file || frame->line <= 0)
            continue;
        if (is_below_source_root(frame->file))
            return frame;
        place = place ? place : frame;
    }
    return place;
}
