#include "report/common/members.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "stacks/stacks.h"

/* ---- which threads ------------------------------------------------------------------------ */

static bool is_left_out(const struct process_report *process, const struct leak_group *group,
                        const struct report_style *style)
{
    return process->judged && !group->counted && !style->all;
}

static bool has_others(const struct report_style *style)
{
    return style->others || style->all;
}

static size_t count_all(const struct process_report *process)
{
    size_t count = 1 + process->untracked_count;
    for (size_t i = 0; i < process->group_count; i++)
        count += process->groups[i].thread_count;
    return count;
}

static void add(struct members *members, const struct thread_info *thread, const struct leak_group *group,
                enum member_kind kind)
{
    members->items[members->count++] = (struct member){thread, group, kind};
}

bool members_find(struct members *members, const struct process_report *process,
                  const struct report_style *style)
{
    *members = (struct members){.items = calloc(count_all(process), sizeof(*members->items))};
    if (!members->items)
        return false;
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        bool out = is_left_out(process, group, style);
        members->hidden += out ? group->thread_count : 0;
        for (size_t j = 0; j < group->thread_count && !out; j++)
            add(members, &group->threads[j], group, MEMBER_OF_GROUP);
    }
    if (process->main && (has_others(style) || process->abort.call))
        add(members, process->main, NULL, MEMBER_MAIN);
    for (size_t i = 0; i < process->untracked_count && has_others(style); i++)
        add(members, &process->untracked[i], NULL, MEMBER_UNTRACKED);
    return true;
}

const char *member_kind_name(const struct member *member)
{
    if (member->group)
        return leak_kind_name(member->group->kind);
    return member->kind == MEMBER_MAIN ? "main" : "untracked";
}

const struct finding *member_finding(const struct member *member, const struct findings *findings)
{
    const struct finding *most = NULL;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->level > FINDING_NOTE && !finding->suppressed_by &&
            finding_is_more_serious(finding, most) &&
            finding_names(finding, member->thread->id, member->thread->tid))
            most = finding;
    }
    return most;
}

/* ---- frames ------------------------------------------------------------------------------- */

bool member_is_by_creation(const struct member *member, const struct report_style *style)
{
    const struct thread_stack *current = member->thread->current;
    return member->group && (style->by_creation || !current || !current->stack);
}

const struct frame *member_stack(const struct member *member, const struct report_style *style, size_t *count)
{
    *count = 0;
    const struct thread_stack *current = member->thread->current;
    if (member_is_by_creation(member, style)) {
        *count = member->group->stack_count;
        return member->group->stack;
    }
    if (!current || !current->stack || style->by_creation)
        return NULL;
    *count = current->stack->count;
    return current->stack->frames;
}

struct frame_stack {
    const struct frame *frames; /* leaf first */
    size_t count;
};

static bool is_any_of_the_user(const struct frame_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++)
        if (!stack->frames[i].runtime)
            return true;
    return false;
}

/* The leaf of a current stack, which is of a runtime, says what the user called. A wait says it better. */
static size_t called_by_user(const struct member *member, const struct frame_stack *stack,
                             const struct report_style *style)
{
    size_t first = 0;
    while (stack->frames[first].runtime)
        first++;
    const struct thread_stack *current = member->thread->current;
    bool is_said = member_is_by_creation(member, style) || (current && current->wait.on != WAIT_NONE);
    return first && !is_said ? first - 1 : SIZE_MAX;
}

const struct frame **member_frames(const struct member *member, const struct report_style *style,
                                   size_t *count)
{
    struct frame_stack stack;
    stack.frames = member_stack(member, style, &stack.count);
    const struct frame **frames = calloc(stack.count + 1, sizeof(*frames));
    bool all = style->verbose > 0 || !is_any_of_the_user(&stack);
    size_t called = all ? SIZE_MAX : called_by_user(member, &stack, style);
    *count = 0;
    for (size_t i = stack.count; frames && i-- > 0;)
        if (all || !stack.frames[i].runtime || i == called)
            frames[(*count)++] = &stack.frames[i];
    return frames;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* The debug information of some compilers has one name for all lambdas of a function. */
static bool is_unnumbered_lambda(const struct frame *frame)
{
    return frame->function && strstr(frame->function, "{lambda}");
}

int compare_functions(const struct frame *a, const struct frame *b)
{
    if (a == b)
        return 0;
    int order = compare_text(a->function, b->function);
    order = order ? order : compare_text(a->module, b->module);
    if (!order && is_unnumbered_lambda(a))
        return (a->line > b->line) - (a->line < b->line);
    if (order || a->function)
        return order;
    order = compare_numbers(a->offset, b->offset);
    return order || a->module ? order : compare_numbers(a->pc, b->pc);
}

/* The name of what it waits for. An object on the thread's own stack has none, as one on the heap: the name
 * would be that of the thread. */
static const char *object_name(const struct thread_info *thread)
{
    static const char begin[] = "stack of ";
    const struct wait *wait = &thread->current->wait;
    char own[64];
    if (wait->place != PLACE_STACK || !wait->symbol) /* nearly all, and sorting asks often */
        return wait->symbol;
    int length = thread->id ? snprintf(own, sizeof(own), "%sT%llu", begin, (unsigned long long)thread->id)
                            : snprintf(own, sizeof(own), "%stid %d", begin, (int)thread->tid);
    bool is_own = text_begins_with(wait->symbol, own) && !isdigit(wait->symbol[length]);
    return is_own ? "own stack" : wait->symbol;
}

/* Without the offset: "conds+0x30" is an element of "conds", and "libx.so+0x9ce8" has no name of its own. */
static size_t name_length(const char *name)
{
    size_t length = strlen(name), digits = length;
    while (digits && isxdigit((unsigned char)name[digits - 1]))
        digits--;
    return digits >= 3 && memcmp(name + digits - 3, "+0x", 3) == 0 ? digits - 3 : length;
}

static int compare_names(const char *a, const char *b)
{
    if (!a || !b)
        return compare_text(a, b);
    size_t first = name_length(a), second = name_length(b);
    return first == second ? memcmp(a, b, first) : first < second ? -1 : 1;
}

/* Waits on different objects of one kind are equal when the objects have no name, or that of one variable. */
static int compare_known(const struct thread_info *first, const struct thread_info *second)
{
    const struct thread_stack *a = first->current, *b = second->current;
    if (a->wait.on != b->wait.on)
        return a->wait.on < b->wait.on ? -1 : 1;
    if (a->wait.timeout != b->wait.timeout)
        return a->wait.timeout < b->wait.timeout ? -1 : 1;
    if (a->wait.owner != b->wait.owner)
        return a->wait.owner < b->wait.owner ? -1 : 1;
    int order = compare_names(object_name(first), object_name(second));
    return order ? order : compare_text(a->why_none, b->why_none);
}

static int compare_whats(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return compare_text(*x, *y);
}

enum objects compare_awaited(const char **whats, size_t count)
{
    size_t different = 0;
    if (count)
        qsort(whats, count, sizeof(*whats), compare_whats);
    for (size_t i = 0; i < count; i++)
        different += i == 0 || compare_text(whats[i - 1], whats[i]) != 0;
    return different <= 1 ? OBJECTS_ONE : different == count ? OBJECTS_OWN : OBJECTS_SEVERAL;
}

int compare_waits(const struct thread_info *a, const struct thread_info *b)
{
    if (!a->current || !b->current)
        return (a->current != NULL) - (b->current != NULL);
    return compare_known(a, b);
}
