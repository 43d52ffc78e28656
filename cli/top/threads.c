#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top/top.h"
#include "proc/tasks.h"

enum { MAX_WAITS = 2000 /* threads whose wait is read: one more file for each */ };

/* ---- one thread --------------------------------------------------------------------------------- */

static const struct top_thread *find(const struct top_thread *threads, size_t count, pid_t tid)
{
    return count ? bsearch(&tid, threads, count, sizeof(*threads), compare_tids) : NULL;
}

/* The number of its site or start routine in the site table. */
static size_t record_of(struct top_thread *thread, const struct sample *sample)
{
    if (!sample->ledger)
        return started_routine_of(sample->started, thread->tid);
    const struct ledger_slot *slot = thread_index_find(&sample->threads, thread->tid);
    if (!slot || slot->state & SLOT_ENDED)
        return SIZE_MAX;
    thread->id = slot->serial;
    return slot->site;
}

static void set_site(const struct top *top, struct top_thread *thread, const struct sample *sample)
{
    size_t record = record_of(thread, sample);
    thread->site = record < UINT32_MAX ? site_table_find(top->table, (uint32_t)record) : TOP_NO_SITE;
    if (thread->site >= top->row_count)
        thread->site = TOP_NO_SITE;
}

static struct top_thread thread_of(const struct top *top, const struct task *task, double seconds,
                                   const struct sample *sample, struct wait_brief_reader *waits)
{
    struct top_thread thread = {
        .tid = task->tid, .state = task->state, .cpu_s = task->cpu_s, .cpu_percent = -1};
    const struct top_thread *before = find(top->threads, top->thread_count, task->tid);
    memcpy(thread.name, task->name, sizeof(thread.name));
    if (before && before->cpu_s >= 0 && task->cpu_s >= before->cpu_s && seconds > 0)
        thread.cpu_percent = (task->cpu_s - before->cpu_s) * 100 / seconds;
    if (task->state == 'S' || task->state == 'D')
        wait_brief_read(waits, task->tid, thread.wait);
    set_site(top, &thread, sample);
    return thread;
}

/* ---- rows ------------------------------------------------------------------------------------------ */

struct tally {
    const char *word;
    size_t count;
};

static void add_word(struct tally *tallies, size_t *count, size_t most, const char *word)
{
    size_t i = 0;
    while (i < *count && strcmp(tallies[i].word, word) != 0)
        i++;
    if (i == most)
        return;
    *count += i == *count;
    tallies[i].word = word;
    tallies[i].count++;
}

static int compare_tallies(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->word, y->word);
}

/* What most wait for comes first; what does not fit is left out whole. */
static void describe(struct top_row *row, struct tally *tallies, size_t count)
{
    size_t used = 0;
    qsort(tallies, count, sizeof(*tallies), compare_tallies);
    for (size_t i = 0; i < count; i++) {
        char item[WAIT_BRIEF + 32];
        size_t length = (size_t)snprintf(item, sizeof(item), "%s%zu %s", i ? ", " : "", tallies[i].count,
                                         tallies[i].word);
        if (used + length >= sizeof(row->waits))
            return;
        memcpy(row->waits + used, item, length + 1);
        used += length;
    }
}

static void set_row(struct top *top, size_t index)
{
    struct top_row *row = &top->rows[index];
    struct tally tallies[8] = {{NULL, 0}};
    size_t count = 0;
    for (size_t i = 0; i < top->thread_count; i++) {
        const struct top_thread *thread = &top->threads[i];
        if (thread->site != index)
            continue;
        if (thread->cpu_percent >= 0)
            row->cpu_percent = (row->cpu_percent < 0 ? 0 : row->cpu_percent) + thread->cpu_percent;
        if (thread->state == 'R')
            add_word(tallies, &count, 8, "running");
        else if (*thread->wait)
            add_word(tallies, &count, 8, thread->wait);
    }
    describe(row, tallies, count);
}

/* Tids of threads that begin at the same moment are in any order, and the kernel uses them again. */
static int compare_ids(const void *a, const void *b)
{
    const struct top_thread *x = *(const struct top_thread *const *)a,
                            *y = *(const struct top_thread *const *)b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

/* Takes the threads. */
static void set_threads(struct top *top, struct top_thread *threads, const struct top_thread **by_id,
                        size_t count)
{
    free(top->threads);
    free(top->by_id);
    top->threads = threads;
    top->by_id = by_id;
    top->thread_count = count;
    for (size_t i = 0; i < count; i++)
        by_id[i] = &threads[i];
    qsort(by_id, count, sizeof(*by_id), compare_ids);
}

void top_read_threads(struct top *top, const struct sample *sample)
{
    struct task_list list;
    if (!process_tasks(top->pid, &list))
        return;
    double seconds = top->threads_ns ? (double)(sample->now_ns - top->threads_ns) / 1e9 : 0;
    size_t count = list.count < MAX_WAITS ? list.count : MAX_WAITS;
    struct wait_brief_reader *waits = wait_brief_new(top->pid);
    struct top_thread *threads = waits ? calloc(count + 1, sizeof(*threads)) : NULL;
    const struct top_thread **by_id = calloc(count + 1, sizeof(*by_id));
    for (size_t i = 0; threads && i < count; i++)
        threads[i] = thread_of(top, &list.tasks[i], seconds, sample, waits);
    wait_brief_free(waits);
    if (threads && by_id) {
        set_threads(top, threads, by_id, count);
    } else {
        free(threads);
        free(by_id);
    }
    top->threads_ns = sample->now_ns;
    task_list_release(&list);
    for (size_t i = 0; i < top->row_count; i++)
        set_row(top, i);
}
