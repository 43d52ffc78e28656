#include "report/profile/go_threads.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/escape.h"

const char *thread_kind_of(enum leak_kind kind)
{
    static const char *const kinds[LEAK_KINDS] = {
        [LEAK_RUNNING] = "joinable", [LEAK_DETACHED] = "detached", [LEAK_UNJOINED] = "unjoined"};
    return kinds[kind];
}

static bool add(struct thread_list *list, struct listed_thread item)
{
    if (!ARRAY_GROW(list->items, list->count))
        return false;
    list->items[list->count++] = item;
    return true;
}

static bool add_process(struct thread_list *list, const struct process_report *process)
{
    bool done = !process->main || add(list, (struct listed_thread){process, process->main, NULL, "main"});
    for (size_t i = 0; done && i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        for (size_t j = 0; done && j < group->thread_count; j++)
            done = add(list, (struct listed_thread){process, &group->threads[j], group,
                                                    thread_kind_of(group->kind)});
    }
    for (size_t i = 0; done && i < process->untracked_count; i++)
        done = add(list, (struct listed_thread){process, &process->untracked[i], NULL, "untracked"});
    return done;
}

static uint64_t rank(const struct listed_thread *item)
{
    return item->thread->id ? item->thread->id : item->thread == item->process->main ? 0 : UINT64_MAX;
}

static int compare(const void *left, const void *right)
{
    const struct listed_thread *a = left, *b = right;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (rank(a) != rank(b))
        return rank(a) < rank(b) ? -1 : 1;
    return (a->thread->tid > b->thread->tid) - (a->thread->tid < b->thread->tid);
}

bool thread_list_make(struct thread_list *list, const struct report *report)
{
    *list = (struct thread_list){.count = 0};
    for (size_t i = 0; i < report->process_count; i++)
        if (!add_process(list, &report->processes[i]))
            return false;
    if (list->count)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    return true;
}

void thread_list_release(struct thread_list *list)
{
    free(list->items);
}

const char *thread_waits_for(const struct thread_info *thread)
{
    const struct thread_stack *current = thread->current;
    return current && current->wait.on != WAIT_NONE ? current->wait.text : NULL;
}

void put_go_place(FILE *out, const struct frame *frame)
{
    put_escaped(out, frame->file ? frame->file : frame->module ? frame->module : "?");
    if (frame->file && frame->line > 0)
        fprintf(out, ":%d\n", frame->line);
    else
        fprintf(out, "+0x%llx\n", (unsigned long long)frame->offset);
}
