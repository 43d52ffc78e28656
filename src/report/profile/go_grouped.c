#include "report/profile/go_profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "report/profile/go_threads.h"

struct frames_of {
    const struct frame *items; /* leaf first */
    size_t count;
};

/* ---- a block of equal threads ------------------------------------------------------------ */

static struct frames_of frames_of(const struct listed_thread *item)
{
    const struct thread_stack *current = item->thread->current;
    if (current && current->stack && current->stack->count)
        return (struct frames_of){current->stack->frames, current->stack->count};
    if (item->group)
        return (struct frames_of){item->group->stack, item->group->stack_count};
    return (struct frames_of){NULL, 0};
}

static uint64_t address_of(const struct frame *frame)
{
    return frame->pc ? frame->pc : frame->offset;
}

/* Inlined calls have the address of the function that contains them. pprof expects at least one address. */
static void put_addresses(FILE *out, const struct frames_of *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        if (!frames->items[i].inlined)
            fprintf(out, " 0x%llx", (unsigned long long)address_of(&frames->items[i]));
    fputs(frames->count ? "\n" : " 0x0\n", out);
}

static void put_frame(FILE *out, const struct frame *frame)
{
    fprintf(out, "#\t0x%llx\t", (unsigned long long)address_of(frame));
    put_escaped(out, frame->function ? frame->function : "?");
    putc('\t', out);
    put_go_place(out, frame);
}

/* As Go writes the labels of a goroutine. In ASCII, because a terminal obeys some characters above it. */
static void put_labels(FILE *out, const struct listed_thread *item)
{
    char pid[24];
    json_t *labels = json_object();
    snprintf(pid, sizeof(pid), "%d", (int)item->process->pid);
    set_text(&labels, "pid", pid);
    if (item->process->exe)
        set_text(&labels, "exe", item->process->exe);
    set_text(&labels, "kind", item->kind);
    if (thread_waits_for(item->thread))
        set_text(&labels, "wait", item->thread->current->wait.what);
    fputs("# labels: ", out);
    json_dumpf(labels, out, JSON_COMPACT | JSON_ENSURE_ASCII);
    putc('\n', out);
    json_decref(labels);
}

static void put_block(FILE *out, const struct listed_thread *item, size_t count)
{
    struct frames_of frames = frames_of(item);
    fprintf(out, "%zu @", count);
    put_addresses(out, &frames);
    put_labels(out, item);
    for (size_t i = 0; i < frames.count; i++)
        put_frame(out, &frames.items[i]);
    putc('\n', out);
}

/* ---- all blocks ----------------------------------------------------------------------------- */

struct block {
    const struct listed_thread *first;
    size_t count;
};

static const char *wait_of_thread(const struct thread_info *thread)
{
    return thread_waits_for(thread) && thread->current->wait.what ? thread->current->wait.what : "";
}

/* Equal stacks of one process are one object. */
static int compare(const struct listed_thread *a, const struct listed_thread *b)
{
    const struct frame *x = frames_of(a).items, *y = frames_of(b).items;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (x != y)
        return x < y ? -1 : 1;
    if (a->kind != b->kind)
        return strcmp(a->kind, b->kind);
    return strcmp(wait_of_thread(a->thread), wait_of_thread(b->thread));
}

static int compare_items(const void *left, const void *right)
{
    const struct listed_thread *a = left, *b = right;
    int order = compare(a, b);
    return order ? order : (a->thread > b->thread) - (a->thread < b->thread);
}

static int compare_blocks(const void *left, const void *right)
{
    const struct block *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

static size_t make_blocks(struct block *blocks, struct thread_list *list)
{
    size_t count = 0;
    qsort(list->items, list->count, sizeof(*list->items), compare_items);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || compare(&list->items[i - 1], &list->items[i]) != 0)
            blocks[count++] = (struct block){&list->items[i], 0};
        blocks[count - 1].count++;
    }
    if (count)
        qsort(blocks, count, sizeof(*blocks), compare_blocks);
    return count;
}

static void put_blocks(FILE *out, struct thread_list *list, struct block *blocks)
{
    size_t count = list->count ? make_blocks(blocks, list) : 0;
    fprintf(out, "threads profile: total %zu\n", list->count);
    for (size_t i = 0; i < count; i++)
        put_block(out, blocks[i].first, blocks[i].count);
}

bool go_print_grouped(FILE *out, const struct report *report)
{
    struct thread_list list;
    bool made = thread_list_make(&list, report);
    struct block *blocks = made ? calloc(list.count + 1, sizeof(*blocks)) : NULL;
    if (blocks)
        put_blocks(out, &list, blocks);
    free(blocks);
    thread_list_release(&list);
    return blocks != NULL;
}

/* ---- by creation ------------------------------------------------------------------------------- */

static size_t count_created(const struct report *report)
{
    size_t total = 0;
    for (size_t i = 0; i < report->process_count; i++)
        for (size_t j = 0; j < report->processes[i].group_count; j++)
            total += report->processes[i].groups[j].thread_count;
    return total;
}

void go_print_created(FILE *out, const struct report *report)
{
    static const struct thread_info none;
    fprintf(out, "threadcreate profile: total %zu\n", count_created(report));
    for (size_t i = 0; i < report->process_count; i++)
        for (size_t j = 0; j < report->processes[i].group_count; j++) {
            const struct process_report *process = &report->processes[i];
            const struct leak_group *group = &process->groups[j];
            const struct listed_thread item = {process, &none, group, thread_kind_of(group->kind)};
            put_block(out, &item, group->thread_count);
        }
}
