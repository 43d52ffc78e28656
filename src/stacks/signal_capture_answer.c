#include "stacks/signal_capture_answer.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "proc/stat.h"
#include "proc/status.h"
#include "proc/tasks.h"

struct answer {
    int32_t tid;
    const struct ledger_stack *current;
};

static struct answer *list_answers(const struct asking *asking, size_t *count)
{
    const struct ledger *ledger = asking->capture->ledger;
    const struct ledger_stack *current;
    struct answer *answers = NULL;
    uint32_t at = 0;

    *count = 0;
    while ((current = ledger_next_stack(ledger, &at))) {
        /* A newer one answers a later request of another reader: as good. */
        if ((int32_t)((uint32_t)(current->stamp >> 32) - asking->generation) < 0)
            continue;
        if (!ARRAY_GROW(answers, *count))
            break;
        answers[(*count)++] = (struct answer){(int32_t)(uint32_t)current->stamp, current};
    }
    if (*count)
        qsort(answers, *count, sizeof(*answers), compare_tids);
    return answers;
}

size_t match_answers(const struct asking *asking)
{
    struct signal_capture *capture = asking->capture;
    size_t count, pending = 0;
    uint64_t now = now_ns();
    struct answer *answers = list_answers(asking, &count);

    capture->taken = 0;
    for (size_t i = 0; i < capture->count; i++) {
        struct signal_capture_thread *thread = &capture->threads[i];
        pending += thread->reason == BLOCKED_NOW && now < asking->again_ns;
        if (thread->reason != ASKED && thread->reason != SIGNAL_CAPTURE_TAKEN)
            continue;
        const struct answer *found =
            count ? bsearch(&thread->own_tid, answers, count, sizeof(*answers), compare_tids) : NULL;
        thread->current = found ? found->current : NULL;
        thread->reason = found ? SIGNAL_CAPTURE_TAKEN : ASKED;
        capture->taken += found != NULL;
        pending += !found;
    }
    free(answers);
    return pending;
}

void explain_silence(struct asking *asking)
{
    struct signal_capture *capture = asking->capture;
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    uint64_t bit = 1ull << (capture->signal - 1);
    bool full = header->sections[SECTION_STACKS].cap - ledger_used(header, SECTION_STACKS) < 128;
    size_t kept = 0;

    bool listed = tracked_read(&asking->tracked, capture->ledger);
    for (size_t i = 0; i < capture->count; i++) {
        struct signal_capture_thread thread = capture->threads[i];
        struct task_status status;
        if (thread.reason != SIGNAL_CAPTURE_TAKEN &&
            (!task_status_read(asking->pid, thread.tid, &status) || task_state_is_end(status.state)))
            continue;
        if (thread.reason == BLOCKED_NOW)
            thread.reason = SIGNAL_CAPTURE_BLOCKED;
        if (thread.reason == SIGNAL_CAPTURE_FOREIGN && listed &&
            tracked_find(&asking->tracked, thread.own_tid, NULL))
            thread.reason = SIGNAL_CAPTURE_NEW;
        if (thread.reason == ASKED) {
            if (status.state == 'T' || status.state == 't')
                thread.reason = SIGNAL_CAPTURE_STOPPED;
            else if (status.blocked & bit)
                thread.reason = SIGNAL_CAPTURE_BLOCKED;
            else if (full)
                thread.reason = SIGNAL_CAPTURE_FULL;
        }
        capture->threads[kept++] = thread;
    }
    capture->count = kept;
}
