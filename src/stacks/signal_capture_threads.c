#include "stacks/signal_capture_threads.h"

#include <stdlib.h>

#include "base/array.h"
#include "proc/file.h"
#include "proc/tasks.h"

#define LIST_PASSES 20

/* ---- the tasks ------------------------------------------------------------------- */

static bool add_thread(struct signal_capture *capture, pid_t tid)
{
    if (!ARRAY_GROW(capture->threads, capture->count))
        return false;
    capture->threads[capture->count++] = (struct signal_capture_thread){.tid = tid, .own_tid = tid};
    return true;
}

/* The first `sorted` are without doubles already; true when that changed nothing. */
static bool sort_threads(struct signal_capture *capture, size_t sorted)
{
    capture->count = sort_tids(capture->threads, capture->count, sizeof(*capture->threads));
    return capture->count == sorted;
}

/* While threads end, a listing may leave out others: it is repeated until one
 * brings nothing new. */
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

/* ---- which the shim knows ----------------------------------------------------------- */

bool tracked_read(struct tracked_list *list, const struct ledger *ledger)
{
    uint32_t slots = ledger_slot_count(ledger);
    struct ledger_slot slot;

    tracked_release(list);
    list->items = calloc((size_t)slots + 1, sizeof(*list->items));
    if (!list->items)
        return false;
    list->items[list->count++] = (struct tracked){ledger_get_header(ledger)->pid, false, 0};
    for (uint32_t i = 0; i < slots; i++)
        if (ledger_get_slot(ledger, i, &slot) && (slot.state & SLOT_STARTED) && !(slot.state & SLOT_ENDED) &&
            slot.tid > 0)
            list->items[list->count++] =
                (struct tracked){slot.tid, (slot.state & SLOT_SMALL_STACK) != 0, slot.handle};
    qsort(list->items, list->count, sizeof(*list->items), compare_tids);
    return true;
}

const struct tracked *tracked_find(const struct tracked_list *list, pid_t own_tid)
{
    return bsearch(&own_tid, list->items, list->count, sizeof(*list->items), compare_tids);
}

void tracked_release(struct tracked_list *list)
{
    free(list->items);
    *list = (struct tracked_list){NULL, 0};
}

bool add_tracked(pid_t pid, struct signal_capture *capture, const struct tracked_list *list)
{
    if (ledger_get_header(capture->ledger)->pid != pid)
        return true;
    for (size_t i = 0; i < list->count; i++)
        if (!add_thread(capture, list->items[i].tid))
            return false;
    sort_threads(capture, 0);
    return true;
}
