#include "stacks/captured.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "proc/file.h"
#include "proc/tasks.h"

void signal_capture_free(struct signal_capture *capture)
{
    if (!capture)
        return;
    ledger_close(capture->ledger);
    free(capture->threads);
    free(capture);
}

const char *signal_capture_reason_text(const struct signal_capture *capture,
                                       enum signal_capture_reason reason, char text[64])
{
    static const char *const texts[] = {
        [SIGNAL_CAPTURE_TAKEN] = "",
        [SIGNAL_CAPTURE_BLOCKED] = "blocks signal %d",
        [SIGNAL_CAPTURE_WAITING] = "may be waiting for signals",
        [SIGNAL_CAPTURE_SMALL_STACK] = "has too little stack for a signal handler",
        [SIGNAL_CAPTURE_OTHER_STACK] = "is on a stack that it made itself",
        [SIGNAL_CAPTURE_TRACED] = "is traced by another process",
        [SIGNAL_CAPTURE_STOPPED] = "is stopped",
        [SIGNAL_CAPTURE_FOREIGN] = "was not created under threadleak",
        [SIGNAL_CAPTURE_NEW] = "began while stacks were taken",
        [SIGNAL_CAPTURE_LOST] = "has lost threadleak's signal handler",
        [SIGNAL_CAPTURE_SANDBOXED] = "is in a sandbox",
        [SIGNAL_CAPTURE_FULL] = "found the ledger full",
        [SIGNAL_CAPTURE_SILENT] = "did not answer in time",
    };
    snprintf(text, 64, texts[reason], capture->signal);
    return text;
}

#define LIST_PASSES 20

/* ---- the tasks ------------------------------------------------------------------- */

static bool add_thread(struct signal_capture *capture, pid_t tid)
{
    if (!ARRAY_GROW(capture->threads, capture->count))
        return false;
    capture->threads[capture->count++] = (struct signal_capture_thread){.tid = tid, .own_tid = tid};
    return true;
}

/* Also removes duplicates. True: there are `sorted` threads, as before. */
static bool sort_threads(struct signal_capture *capture, size_t sorted)
{
    capture->count = sort_tids(capture->threads, capture->count, sizeof(*capture->threads));
    return capture->count == sorted;
}

/* While threads end, a listing may leave out others.  So it is repeated until one adds nothing. */
bool list_tasks(pid_t pid, struct signal_capture *capture)
{
    size_t before;
    bool complete = true;
    int passes = 0;

    do {
        before = capture->count;
        DIR *directory = opendir(PROC_PATH("%d/task", pid));
        if (!directory)
            return before > 0;
        for (long tid; complete && (tid = proc_next_number(directory)) >= 0;)
            complete = add_thread(capture, (pid_t)tid);
        closedir(directory);
    } while (complete && !sort_threads(capture, before) && ++passes < LIST_PASSES);
    return complete;
}

/* ---- tracked threads --------------------------------------------------------------- */

static bool is_alive(const struct ledger_slot *slot)
{
    return (slot->state & SLOT_STARTED) && !(slot->state & SLOT_ENDED) && slot->tid > 0;
}

bool tracked_read(struct tracked_list *list, const struct ledger *ledger, pid_t pid)
{
    tracked_release(list);
    list->main = pid;
    return thread_index_read(&list->index, ledger);
}

bool tracked_find(const struct tracked_list *list, pid_t tid, struct tracked *tracked)
{
    const struct ledger_slot *slot = thread_index_find(&list->index, tid);
    bool found = (slot && is_alive(slot)) || (tid > 0 && tid == list->main);
    if (found && tracked)
        *tracked = slot && is_alive(slot)
                       ? (struct tracked){(slot->state & SLOT_SMALL_STACK) != 0, slot->handle}
                       : (struct tracked){false, 0};
    return found;
}

void tracked_release(struct tracked_list *list)
{
    thread_index_release(&list->index);
    list->main = 0;
}

bool add_tracked(struct signal_capture *capture, const struct tracked_list *list)
{
    if (!add_thread(capture, list->main))
        return false;
    for (size_t i = 0; i < list->index.count; i++)
        if (is_alive(&list->index.slots[i]) && !add_thread(capture, list->index.slots[i].tid))
            return false;
    sort_threads(capture, 0);
    return true;
}
