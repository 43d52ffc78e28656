#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/top/top.h"
#include "proc/file.h"
#include "proc/tasks.h"

enum { MAX_WAITS = 2000 /* threads whose wait is read: one more file for each */ };

/* The kernel's functions in which threads sleep (proc_pid_wchan(5)), in words. */
static const struct {
    const char *function, *word;
} waits[] = {
    {"futex_", "lock or condition"},
    {"ep_poll", "epoll"},
    {"do_poll", "poll"},
    {"poll_schedule", "poll"},
    {"do_select", "select"},
    {"hrtimer_nanosleep", "sleep"},
    {"do_nanosleep", "sleep"},
    {"common_nsleep", "sleep"},
    {"pipe_read", "pipe"},
    {"anon_pipe_read", "pipe"},
    {"pipe_write", "full pipe"},
    {"anon_pipe_write", "full pipe"},
    {"inet_csk_accept", "accept"},
    {"unix_accept", "accept"},
    {"unix_", "socket"},
    {"sk_wait_data", "socket"},
    {"tcp_", "socket"},
    {"__skb_wait", "socket"},
    {"sock_", "socket"},
    {"wait_woken", "socket or terminal"},
    {"do_sigtimedwait", "signal"},
    {"sigsuspend", "signal"},
    {"__do_sys_pause", "signal"},
    {"sys_pause", "signal"},
    {"do_wait", "child process"},
    {"kernel_wait", "child process"},
    {"eventfd_read", "eventfd"},
    {"io_cqring_wait", "io_uring"},
    {"read_events", "native AIO"},
    {"do_msgrcv", "message queue"},
    {"wq_sleep", "message queue"},
    {"do_semtimedop", "semaphore set"},
    {"flock", "file lock"},
    {"locks_", "file lock"},
};

static const char *sleeps_in(pid_t pid, pid_t tid)
{
    char function[64] = "";
    int fd = open(PROC_PATH("%d/task/%d/wchan", (int)pid, (int)tid), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, function, sizeof(function) - 1);
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; n > 1 && i < sizeof(waits) / sizeof(*waits); i++)
        if (text_begins_with(function, waits[i].function))
            return waits[i].word;
    return n > 1 ? "the kernel" : NULL;
}

/* ---- one thread --------------------------------------------------------------------------------- */

static const struct top_thread *find(const struct top_thread *threads, size_t count, pid_t tid)
{
    return count ? bsearch(&tid, threads, count, sizeof(*threads), compare_tids) : NULL;
}

static void set_site(const struct top *top, struct top_thread *thread, const struct sample *sample)
{
    const struct ledger_slot *slot = sample->ledger ? thread_index_find(&sample->threads, thread->tid) : NULL;
    thread->site = TOP_NO_SITE;
    if (!slot || slot->state & SLOT_ENDED)
        return;
    thread->id = slot->serial;
    thread->site = site_table_find(top->table, slot->site);
    if (thread->site >= top->row_count)
        thread->site = TOP_NO_SITE;
}

static struct top_thread thread_of(const struct top *top, const struct task *task, double seconds,
                                   const struct sample *sample)
{
    struct top_thread thread = {
        .tid = task->tid, .state = task->state, .cpu_s = task->cpu_s, .cpu_percent = -1};
    const struct top_thread *before = find(top->threads, top->thread_count, task->tid);
    memcpy(thread.name, task->name, sizeof(thread.name));
    if (before && before->cpu_s >= 0 && task->cpu_s >= before->cpu_s && seconds > 0)
        thread.cpu_percent = (task->cpu_s - before->cpu_s) * 100 / seconds;
    if (task->state == 'S' || task->state == 'D')
        thread.wait = sleeps_in(top->pid, task->tid);
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

static void describe(struct top_row *row, const struct tally *tallies, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof(row->waits); i++)
        used += (size_t)snprintf(row->waits + used, sizeof(row->waits) - used, "%s%zu %s", i ? ", " : "",
                                 tallies[i].count, tallies[i].word);
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
        else if (thread->wait)
            add_word(tallies, &count, 8, thread->wait);
    }
    describe(row, tallies, count);
}

void top_read_threads(struct top *top, const struct sample *sample)
{
    struct task_list list;
    if (!process_tasks(top->pid, &list))
        return;
    double seconds = top->threads_ns ? (double)(sample->now_ns - top->threads_ns) / 1e9 : 0;
    struct top_thread *threads = calloc(list.count + 1, sizeof(*threads));
    for (size_t i = 0; threads && i < list.count && i < MAX_WAITS; i++)
        threads[i] = thread_of(top, &list.tasks[i], seconds, sample);
    if (threads) {
        free(top->threads);
        top->threads = threads;
        top->thread_count = list.count < MAX_WAITS ? list.count : MAX_WAITS;
    }
    top->threads_ns = sample->now_ns;
    task_list_release(&list);
    for (size_t i = 0; i < top->row_count; i++)
        set_row(top, i);
}
