#include "stacks/from_signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stacks/stacks.h"
#include "stacks/signal_capture.h"

static bool fill_stack(struct present_stack *stack, const struct self_capture *capture,
                       const struct ledger_present *record, struct symbolizer *symbolizer)
{
    for (uint32_t i = 0; i < record->frame_count; i++) {
        const struct frame_list *list = stack_frames(capture->ledger, symbolizer, record->frames[i], i > 0);
        if (!present_stack_add(stack, list))
            return false;
    }
    stack_mark_start_up(stack->frames, stack->count);
    return !(record->flags & SITE_TRUNCATED) ||
           (stack->incomplete = strdup("further callers were not recorded"));
}

static bool is_equal(const struct present_stack *a, const struct present_stack *b)
{
    if (a->count != b->count || !a->incomplete != !b->incomplete)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->frames[i].pc != b->frames[i].pc || a->frames[i].function != b->frames[i].function)
            return false;
    return true;
}

/* The stack that was just filled in last, or one before that equals it.  The threads
 * of a pool are neighbours: the latest few are enough. */
static struct present_stack *last_or_equal(struct present *present)
{
    struct present_stack *last = &present->stacks[present->stack_count];
    for (size_t back = 1; back <= 64 && back <= present->stack_count; back++) {
        struct present_stack *other = last - back;
        if (!is_equal(other, last))
            continue;
        free(last->frames);
        free(last->incomplete);
        memset(last, 0, sizeof(*last));
        return other;
    }
    present->stack_count++;
    return last;
}

static bool fill_thread(struct present *present, const struct self_capture *capture,
                        const struct self_capture_thread *from, struct symbolizer *symbolizer)
{
    char why[64];
    struct present_thread *thread = &present->threads[present->count++];
    *thread = (struct present_thread){.tid = from->tid, .idle_s = -1};
    if (!from->present)
        return (thread->why_none = strdup(self_capture_reason_text(capture, from->reason, why)));
    thread->source = PRESENT_SIGNAL;
    if (!fill_stack(&present->stacks[present->stack_count], capture, from->present, symbolizer))
        return false;
    thread->stack = last_or_equal(present);
    return true;
}

static struct present *fill(const struct self_capture *capture, const char *refused,
                            struct symbolizer *symbolizer)
{
    struct present *present = calloc(1, sizeof(*present));
    if (!present)
        return NULL;
    present->threads = calloc(capture->count + 1, sizeof(*present->threads));
    present->stacks = calloc(capture->count + 1, sizeof(*present->stacks));
    bool done =
        present->threads && present->stacks &&
        asprintf(&present->note,
                 "taken by the threads themselves, which does not tell what they wait for: %s", refused) >= 0;
    for (size_t i = 0; done && i < capture->count; i++)
        done = fill_thread(present, capture, &capture->threads[i], symbolizer);
    if (done)
        return present;
    present_free(present);
    return NULL;
}

struct present *present_by_itself(pid_t pid, struct error *refused, const struct present_options *options)
{
    struct self_capture *capture;
    struct error why = {""};
    if (self_capture_take(pid, 0, &capture, &why) != SELF_CAPTURE_OK) {
        char text[sizeof(refused->text)];
        snprintf(text, sizeof(text), "%.250s; nor by its own signal: %.200s", refused->text, why.text);
        error_set(refused, "%s", text);
        return NULL;
    }
    struct present *present = fill(capture, refused->text, options->symbolizer);
    self_capture_free(capture);
    return present;
}
