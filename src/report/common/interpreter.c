#include "report/common/interpreter.h"

#include <ctype.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"

#define UNTRACKED_CHECKED 64

static const struct interpreter interpreters[] = {
    {"Python", "py-spy dump --pid", true, {"python", "libpython"}},
    {"Ruby", "rbspy dump --pid", true, {"ruby", "libruby"}},
    {"Perl", NULL, true, {"perl", "libperl"}},
    {"Java", "jstack", false, {"libjvm"}},
};

/* "python3.11" and "libruby-3.1.so.3.1", but not "pythonista". */
static bool is_module(const char *name, const char *beginning)
{
    size_t length = strlen(beginning);
    return text_begins_with(name, beginning) && !isalpha((unsigned char)name[length]) && name[length] != '_';
}

const struct interpreter *frame_interpreter(const struct frame *frame)
{
    const char *name = frame->module ? path_basename(frame->module) : "";
    for (size_t i = 0; i < sizeof(interpreters) / sizeof(*interpreters); i++)
        for (const char *const *module = interpreters[i].modules; *module; module++)
            if (is_module(name, *module))
                return &interpreters[i];
    return NULL;
}

const struct interpreter *stack_interpreter(const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct interpreter *interpreter = frame_interpreter(&frames[i]);
        if (interpreter && interpreter->tool)
            return interpreter;
    }
    return NULL;
}

static const struct interpreter *of_thread(const struct thread_info *thread)
{
    const struct shared_stack *stack = thread && thread->current ? thread->current->stack : NULL;
    return stack ? stack_interpreter(stack->frames, stack->count) : NULL;
}

const struct interpreter *process_interpreter(const struct process_report *process)
{
    const struct interpreter *found = of_thread(process->main);
    for (size_t i = 0; i < process->group_count && !found; i++) {
        const struct leak_group *group = &process->groups[i];
        found = stack_interpreter(group->stack, group->stack_count);
        if (!found && group->thread_count)
            found = of_thread(&group->threads[0]);
    }
    for (size_t i = 0; i < process->untracked_count && i < UNTRACKED_CHECKED && !found; i++)
        found = of_thread(&process->untracked[i]);
    return found;
}
