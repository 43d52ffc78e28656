#include "report/profile/go_profile.h"

#include "base/escape.h"
#include "base/text.h"
#include "report/profile/go_threads.h"
#include "report/common/phrases.h"
#include "symbolize/symbolize.h"

/* The state letters of proc_pid_stat(5). */
static const char *state_text(char state)
{
    switch (state) {
    case 'R':
        return "running";
    case 'S':
    case 'I':
        return "sleeping";
    case 'D':
        return "disk sleep";
    case 'T':
    case 't':
        return "stopped";
    case 'Z':
    case 'X':
        return "ended";
    default:
        return "state unknown";
    }
}

static void put_duration(FILE *out, const char *before, double seconds, const char *after)
{
    char text[40];
    if (seconds < 0)
        return;
    format_duration(text, sizeof(text), seconds);
    fprintf(out, "%s%s%s", before, text, after);
}

static void put_state(FILE *out, const struct thread_info *thread)
{
    const char *wait = thread_waits_for(thread);
    fputs(state_text(thread->state), out);
    if (wait) {
        fputs(", ", out);
        put_escaped(out, wait);
    }
    if (thread->current)
        put_duration(out, ", for ", thread->current->idle_s, "");
}

/* "thread 3 "worker" tid 4245 [sleeping, mutex queue_lock, for 12 min 3 s, joinable, age 13 min 2 s]:" */
static void put_head(FILE *out, const struct listed_thread *item)
{
    const struct thread_info *thread = item->thread;
    fputs("thread", out);
    if (thread->id)
        fprintf(out, " %llu", (unsigned long long)thread->id);
    if (*thread->name) {
        fputs(" \"", out);
        put_escaped(out, thread->name);
        putc('"', out);
    }
    if (thread->tid > 0)
        fprintf(out, " tid %d", (int)thread->tid);
    fputs(" [", out);
    if (item->group && item->group->kind == LEAK_UNJOINED) {
        fputs("ended", out);
        put_duration(out, " ", thread->ended_s, " ago");
    } else {
        put_state(out, thread);
    }
    fprintf(out, ", %s", item->kind);
    put_duration(out, ", age ", thread->age_s, "");
    fputs("]:\n", out);
}

/* Go's frames have arguments in brackets, which programs that read such a text expect. */
static void put_function(FILE *out, const struct frame *frame)
{
    const char *name = frame->function ? frame->function : "?";
    put_escaped(out, name);
    fputs(function_arguments(name) ? "" : "(...)", out);
}

static void put_stack(FILE *out, const struct thread_info *thread)
{
    const struct thread_stack *current = thread->current;
    const struct shared_stack *stack = current ? current->stack : NULL;
    const char *missing = stack ? stack->incomplete : current ? current->why_none : NULL;
    for (size_t i = 0; stack && i < stack->count; i++) {
        put_function(out, &stack->frames[i]);
        fputs("\n\t", out);
        put_go_place(out, &stack->frames[i]);
    }
    if (!missing)
        return;
    fputs(stack ? "...callers are missing: " : "...no stack: ", out);
    put_escaped(out, missing);
    fputs("...\n", out);
}

static void put_creator(FILE *out, const struct listed_thread *item)
{
    const struct frame *creator = item->group ? creator_frame(item->group) : NULL;
    if (!creator)
        return;
    fputs("created by ", out);
    put_escaped(out, creator->function ? creator->function : "?");
    if (item->thread->created_by)
        fprintf(out, " in thread %llu", (unsigned long long)item->thread->created_by);
    fputs("\n\t", out);
    put_go_place(out, creator);
}

static void put_process(FILE *out, const struct process_report *process)
{
    fprintf(out, "# process %d ", (int)process->pid);
    put_escaped(out, process->exe ? process->exe : "?");
    fputs(process->watched ? "\n" : ", not watched: the creators of its threads are unknown\n", out);
    if (process->stacks && process->stacks->note) {
        fputs("# stacks: ", out);
        put_escaped(out, process->stacks->note);
        putc('\n', out);
    }
    if (process->findings.verdict) {
        fputs("# ", out);
        put_escaped(out, process->findings.verdict);
        putc('\n', out);
    }
    putc('\n', out);
}

bool go_print_threads(FILE *out, const struct report *report)
{
    struct thread_list list;
    bool made = thread_list_make(&list, report);
    for (size_t i = 0; made && i < list.count; i++) {
        const struct listed_thread *item = &list.items[i];
        if (i == 0 || list.items[i - 1].process != item->process)
            put_process(out, item->process);
        put_head(out, item);
        put_stack(out, item->thread);
        put_creator(out, item);
        putc('\n', out);
    }
    thread_list_release(&list);
    return made;
}
