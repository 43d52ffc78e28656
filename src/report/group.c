#include "report/group.h"
#include "symbolize/symbolize.h"

#include <string.h>

#include "base/path.h"
#include "report/stacks.h"
#include "report/text_parts.h"

#define NAME_WIDTH 64       /* longer names are shortened in their middle … */
#define OWN_WIDTH 100       /* … that of the user's own frame less so */
#define COLUMN_WIDTH 40     /* longer ones do not push the column of places to the right */
#define NAME_MAX_BYTES 4096 /* of a name that is shown in full */
#define CREATORS_SHOWN 4

void paint(const struct printer *printer, enum paint how)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m"};
    if (printer->style->color)
        fputs(codes[how], printer->out);
}

/* ---- a stack ----------------------------------------------------------------------- */

static bool shows_all(const struct printer *printer)
{
    return printer->style->verbose > 0;
}

/* Start-up frames at the root say nothing, unless there is nothing else. */
static size_t count_shown(const struct printer *printer, const struct leak_group *group)
{
    size_t count = group->stack_count;
    if (shows_all(printer) || !group->user_frame)
        return count;
    while (group->stack[count - 1].runtime)
        count--;
    return count;
}

static void name_of(const struct printer *printer, const struct frame *frame, bool own,
                    char name[NAME_MAX_BYTES])
{
    size_t width = shows_all(printer) ? NAME_MAX_BYTES - 1 : own ? OWN_WIDTH : NAME_WIDTH;
    format_function(name, NAME_MAX_BYTES, frame, width);
}

/* "  runs worker   pool.c:27": the name, and where it is if that is known. */
static void put_frame(const struct printer *printer, const struct frame *frame, bool own, size_t column)
{
    char name[NAME_MAX_BYTES], place[1200];
    name_of(printer, frame, own, name);
    format_place(place, sizeof(place), frame, shows_all(printer));
    size_t width = put_escaped(printer->out, name);
    if (!*place)
        return;
    fprintf(printer->out, "%*s   ", (int)(column > width ? column - width : 0), "");
    put_escaped(printer->out, place);
}

static size_t column_of(const struct printer *printer, const struct shown_frames *shown)
{
    size_t column = 0;
    for (size_t i = 0; i < shown->count; i++) {
        char name[NAME_MAX_BYTES];
        const struct frame *frame = &shown->frames[i];
        name_of(printer, frame, frame == shown->own, name);
        size_t width = escaped_width(name);
        if (width > column && width <= COLUMN_WIDTH)
            column = width;
    }
    return column;
}

static void print_creators(const struct printer *printer, const struct leak_group *group)
{
    uint64_t seen[CREATORS_SHOWN];
    size_t count = 0;
    bool more = false;
    fputs("  created", printer->out);
    for (size_t i = 0; i < group->thread_count && !more; i++) {
        uint64_t creator = group->threads[i].created_by;
        bool known = creator == 0;
        for (size_t j = 0; j < count && !known; j++)
            known = seen[j] == creator;
        if (known)
            continue;
        more = count == CREATORS_SHOWN;
        if (more)
            break;
        seen[count++] = creator;
        fprintf(printer->out, "%sT%llu%s", count == 1 ? " by " : ", ", (unsigned long long)creator,
                creator == LEDGER_MAIN_SERIAL ? " (main)" : "");
    }
    fputs(more ? " and others" : "", printer->out);
    put_test(printer->out, group->test);
    fputs(group->stack_count ? " at\n" : ": no stack was recorded\n", printer->out);
}

void put_frames(const struct printer *printer, const struct shown_frames *shown)
{
    size_t column = column_of(printer, shown);
    for (size_t i = 0; i < shown->count; i++) {
        const struct frame *frame = &shown->frames[i];
        bool own = frame == shown->own;
        enum paint how = own ? BOLD : frame->runtime ? DIM : PLAIN;
        if (how != PLAIN)
            paint(printer, how);
        fputs(own ? "  > " : "    ", printer->out);
        put_frame(printer, frame, own, column);
        if (how != PLAIN)
            paint(printer, PLAIN);
        putc('\n', printer->out);
    }
}

static void print_stack(const struct printer *printer, const struct leak_group *group)
{
    struct shown_frames shown = {group->stack, count_shown(printer, group), group->user_frame};
    /* Of a runtime's frames at the leaf, the outermost is what the user called. */
    while (!shows_all(printer) && shown.own && shown.frames + 1 < shown.own) {
        shown.frames++;
        shown.count--;
    }
    print_creators(printer, group);
    put_frames(printer, &shown);
    if (group->stack_count && group->truncated)
        fprintf(printer->out, "    (further callers not recorded%s)\n",
                group->rule_deeper && !group->suppressed_by ? "; thread: and module: rules cannot see them"
                                                            : "");
}

/* ---- a group ------------------------------------------------------------------------- */

static void age_range(const struct leak_group *group, double *low, double *high)
{
    *low = *high = -1;
    for (size_t i = 0; i < group->thread_count; i++) {
        const struct thread_info *thread = &group->threads[i];
        double age = group->kind == LEAK_UNJOINED ? thread->ended_s : thread->age_s;
        if (i == 0 || age < *low)
            *low = age;
        if (i == 0 || age > *high)
            *high = age;
    }
}

static void print_age(const struct printer *printer, const struct leak_group *group)
{
    double low, high;
    char range[96];
    age_range(group, &low, &high);
    if (low < 0)
        return;
    format_range(range, sizeof(range), low, high);
    fprintf(printer->out, group->kind == LEAK_UNJOINED ? "   finished %s ago" : "   alive %s", range);
}

static const char *explain_kind(enum leak_kind kind)
{
    static const char *const texts[LEAK_KINDS] = {
        [LEAK_RUNNING] = "joinable, never joined",
        [LEAK_DETACHED] = "detached: cannot be joined",
        [LEAK_UNJOINED] = "never joined: its stack is still held",
    };
    return texts[kind];
}

static bool is_base_of(const char *path, const char *name)
{
    return path && strncmp(path_basename(path), name, sizeof(((struct thread_info *)0)->name) - 1) == 0;
}

/* What threads are called that were given no name: as the program that was executed. */
static bool is_process_name(const struct printer *printer, const char *name)
{
    const struct process_report *process = printer->process;
    return process && (is_base_of(process->exe, name) || is_base_of(command_name(process), name));
}

/* What the threads are called, when they agree. */
static const char *common_name(const struct leak_group *group)
{
    for (size_t i = 1; i < group->thread_count; i++)
        if (strcmp(group->threads[i].name, group->threads[0].name) != 0)
            return "";
    return group->threads[0].name;
}

static void print_group_head(const struct printer *printer, const struct leak_group *group)
{
    paint(printer, BOLD);
    fprintf(printer->out, "%s ×%zu", leak_kind_name(group->kind), group->thread_count);
    paint(printer, PLAIN);
    print_age(printer, group);
    fprintf(printer->out, "   %s", explain_kind(group->kind));
    if (*common_name(group) && !is_process_name(printer, common_name(group))) {
        fputs("   [", printer->out);
        put_escaped(printer->out, common_name(group));
        putc(']', printer->out);
    }
    putc('\n', printer->out);
}

static void print_joins(const struct printer *printer, const struct leak_group *group)
{
    size_t joining = 0;
    for (size_t i = 0; i < group->thread_count; i++)
        joining += group->threads[i].being_joined;
    if (joining && group->thread_count == 1)
        fputs("  it is being joined\n", printer->out);
    else if (joining)
        fprintf(printer->out, "  %zu of them %s being joined\n", joining, joining == 1 ? "is" : "are");
    if (!group->joined_at || !group->site_joined)
        return;
    fprintf(printer->out, "  %llu of the %llu threads created here %s joined, most recently at ",
            (unsigned long long)group->site_joined, (unsigned long long)group->site_created,
            group->site_joined == 1 ? "was" : "were");
    put_frame(printer, group->joined_at, false, 0);
    putc('\n', printer->out);
}

static void print_suppression(const struct printer *printer, const struct leak_group *group)
{
    if (!group->suppressed_by)
        return;
    fputs("suppressed by ", printer->out);
    put_escaped(printer->out, group->suppressed_by);
}

/* The user's own function that a thread began with: the outermost one of where it is now. */
static const struct frame *first_own(const struct thread_info *thread)
{
    const struct shared_stack *stack = thread->current ? thread->current->stack : NULL;
    return stack && !stack->incomplete ? outermost_user_frame(stack->frames, stack->count) : NULL;
}

const struct frame *what_runs(const struct leak_group *group)
{
    const struct frame *start = group->start_routine;
    if (!start || !start->runtime || !group->user_frame)
        return start;
    const struct frame *found = first_own(&group->threads[0]);
    for (size_t i = 1; found && i < group->thread_count; i++) {
        const struct frame *other = first_own(&group->threads[i]);
        if (!other || !other->function || !found->function || strcmp(other->function, found->function) != 0)
            found = NULL;
    }
    return found ? found : start->function ? start : NULL;
}

void print_group(const struct printer *printer, const struct leak_group *group)
{
    const struct frame *runs = what_runs(group);
    putc('\n', printer->out);
    print_group_head(printer, group);
    if (is_one_block(group->threads, group->thread_count))
        put_threads(printer->out,
                    &(struct thread_list){.threads = group->threads, .count = group->thread_count},
                    shows_all(printer) ? group->thread_count : THREADS_SHOWN);
    if (runs) {
        fputs("  runs ", printer->out);
        put_frame(printer, runs, true, 0);
        putc('\n', printer->out);
    }
    print_stack(printer, group);
    print_current(printer, group->threads, group->thread_count);
    print_joins(printer, group);
    if (group->counted && group->known)
        fprintf(printer->out, "  the baseline has only %llu\n", (unsigned long long)group->known);
    if (group->suppressed_by) {
        fputs("  ", printer->out);
        print_suppression(printer, group);
        putc('\n', printer->out);
    }
}

void print_group_short(const struct printer *printer, const struct leak_group *group)
{
    const struct frame *frame = group->user_frame    ? group->user_frame
                                : group->stack_count ? &group->stack[0]
                                                     : NULL;
    fprintf(printer->out, "not counted: %s ×%zu", leak_kind_name(group->kind), group->thread_count);
    if (frame) {
        fputs(" from ", printer->out);
        put_frame(printer, frame, true, 0);
    }
    if (group->suppressed_by) {
        fputs("   (", printer->out);
        print_suppression(printer, group);
        putc(')', printer->out);
    }
    putc('\n', printer->out);
}
