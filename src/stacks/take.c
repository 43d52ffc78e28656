/* Current stacks of a live process: by ptrace, else by signals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/clocks.h"
#include "proc/idle.h"
#include "proc/status.h"
#include "snapshot/snapshot.h"
#include "stacks/signal_capture.h"
#include "stacks/kept.h"
#include "stacks/stacks.h"

enum { MAX_TAKES = 3 };

static bool fill_stack(struct shared_stack *stack, const struct signal_capture *capture,
                       const struct ledger_stack *record, struct symbolizer *symbolizer)
{
    for (uint32_t i = 0; i < record->frame_count; i++) {
        const struct frame_list *list = stack_frames(capture->ledger, symbolizer, record->frames[i], i > 0);
        if (!frames_append(&stack->frames, &stack->count, list))
            return false;
    }
    stack_mark_start_up(stack->frames, stack->count);
    return !(record->flags & SITE_TRUNCATED) ||
           (stack->incomplete = strdup("further callers were not recorded"));
}

static bool is_equal(const struct shared_stack *a, const struct shared_stack *b)
{
    if (a->count != b->count || !a->incomplete != !b->incomplete)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->frames[i].pc != b->frames[i].pc || a->frames[i].function != b->frames[i].function)
            return false;
    return true;
}

/* Finds an equal stack among the latest few. That is enough, because threads of a pool are neighbours. */
static struct shared_stack *last_or_equal(struct stacks *stacks)
{
    struct shared_stack *last = &stacks->shared[stacks->shared_count];
    for (size_t back = 1; back <= 64 && back <= stacks->shared_count; back++) {
        struct shared_stack *other = last - back;
        if (!is_equal(other, last))
            continue;
        free(last->frames);
        free(last->incomplete);
        memset(last, 0, sizeof(*last));
        return other;
    }
    stacks->shared_count++;
    return last;
}

static bool fill_thread(struct stacks *stacks, const struct signal_capture *capture,
                        const struct signal_capture_thread *from, struct symbolizer *symbolizer)
{
    char why[64];
    struct thread_stack *thread = &stacks->threads[stacks->count++];
    *thread = (struct thread_stack){.tid = from->tid, .idle_s = -1};
    if (!from->current)
        return (thread->why_none = strdup(signal_capture_reason_text(capture, from->reason, why)));
    thread->source = STACK_SOURCE_SIGNAL;
    if (!fill_stack(&stacks->shared[stacks->shared_count], capture, from->current, symbolizer))
        return false;
    thread->stack = last_or_equal(stacks);
    return true;
}

static struct stacks *fill(const struct signal_capture *capture, const char *refused,
                           struct symbolizer *symbolizer)
{
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    if (!stacks)
        return NULL;
    stacks->threads = calloc(capture->count + 1, sizeof(*stacks->threads));
    stacks->shared = calloc(capture->count + 1, sizeof(*stacks->shared));
    bool done =
        stacks->threads && stacks->shared &&
        asprintf(&stacks->note, "taken by signal, so what threads wait for is unknown: %s", refused) >= 0;
    for (size_t i = 0; done && i < capture->count; i++)
        done = fill_thread(stacks, capture, &capture->threads[i], symbolizer);
    if (done)
        return stacks;
    stacks_free(stacks);
    return NULL;
}

/* refused: why ptrace was refused, for the note. NULL: signals are not possible either, or out of memory;
 * then `refused` has both reasons. */
static struct stacks *take_by_signals(pid_t pid, struct error *refused, const struct stacks_options *options)
{
    struct signal_capture *capture;
    struct error why = {""};
    if (signal_capture_take(pid, 0, &capture, &why) != SIGNAL_CAPTURE_OK) {
        char text[sizeof(refused->text)];
        snprintf(text, sizeof(text), "%.250s; nor by signal: %.200s", refused->text, why.text);
        error_set(refused, "%s", text);
        return NULL;
    }
    struct stacks *stacks = fill(capture, refused->text, options->symbolizer);
    signal_capture_free(capture);
    return stacks;
}

static bool read_stopped(const struct snapshot *snapshot, void *arg)
{
    struct live_facts *facts = arg;
    facts->files = wait_files_read(snapshot);
    return facts->reach && reach_collect(facts->reach, snapshot);
}

/* One pass over the threads: names, states and times are of one moment, and a stop would change them. */
static void read_before(struct live_facts *facts, pid_t pid)
{
    facts->moment_ns = process_now_ns(pid);
    if (process_tasks(pid, &facts->tasks))
        task_list_set_idle(&facts->tasks, pid);
}

static uint64_t bit_of(uint32_t signal)
{
    return signal >= 1 && signal <= 64 ? UINT64_C(1) << (signal - 1) : 0;
}

/* A forked child inherits the handler of the shim's real-time signal, and does not record which one that is.
 * The shim takes the highest one that is free. */
static uint64_t inherited(const struct ledger_header *header, uint64_t caught)
{
    uint64_t real_time = caught >> 33 << 33;
    if (!(header->flags & LEDGER_FORKED) || header->capture_signal || !real_time)
        return 0;
    return UINT64_C(1) << (63 - __builtin_clzll(real_time));
}

/* True also if it is not known. libc uses the signals 32 and 33 (nptl(7)). */
static bool handles_signals(pid_t pid, const struct ledger *ledger)
{
    const struct ledger_header *header = ledger ? ledger_get_header(ledger) : NULL;
    uint64_t others = UINT64_C(3) << 31;
    struct task_status status;
    if (!task_status_read(pid, 0, &status))
        return true;
    if (header)
        others |=
            bit_of(header->capture_signal) | bit_of(header->dump_signal) | inherited(header, status.caught);
    return (status.caught & ~others) != 0;
}

/* Why the process could not be stopped: `why`. A debugger would stop at the signal. */
static struct stacks *take_without_stop(pid_t pid, bool is_debugged, struct error *why,
                                        const struct stacks_options *options, struct error *error)
{
    struct stacks *stacks = options->ledger && !is_debugged ? take_by_signals(pid, why, options) : NULL;
    if (!stacks)
        stacks = stacks_none(why->text);
    if (!stacks)
        error_set(error, "out of memory");
    return stacks;
}

static struct stacks *take_once(pid_t pid, const struct stacks_options *options, struct error *error)
{
    struct snapshot *snapshot;
    struct error why = {""};
    struct live_facts facts = {.files = NULL};
    const struct snapshot_options how = {.tasks = &facts.tasks,
                                         .while_stopped = read_stopped,
                                         .arg = &facts,
                                         .park = options->park.at,
                                         .park_not = options->park.except,
                                         .holds = options->holds};
    if (options->reach != REACH_NOTHING)
        facts.reach = reach_collector_new(pid, options->reach, options->park.at ? options->park.except : 0);
    if (facts.reach && options->ledger)
        kept_want(facts.reach, options->ledger); /* else nothing is known of them */
    read_before(&facts, pid);
    enum snapshot_status status = snapshot_take(pid, &how, &snapshot, &why);
    if (status == SNAPSHOT_OK) {
        struct stacks *stacks = stacks_from_live(snapshot, &facts, options, error);
        if (stacks)
            stacks->handles_signals = handles_signals(pid, options->ledger);
        snapshot_free(snapshot);
        return stacks;
    }
    task_list_release(&facts.tasks);
    wait_files_free(facts.files);
    reach_collector_free(facts.reach);
    if (status == SNAPSHOT_GONE) {
        *error = why;
        return NULL;
    }
    return take_without_stop(pid, status == SNAPSHOT_BUSY, &why, options, error);
}

/* Once more if threads that were found stuck have run meanwhile. A process that is held can be read once. */
struct stacks *stacks_take(pid_t pid, const struct stacks_options *options, struct error *error)
{
    struct error ignored;
    struct stacks *stacks = take_once(pid, options, error);
    for (int i = 1; stacks && stacks->reach.moved && !options->holds && i < MAX_TAKES; i++) {
        struct stacks *again = take_once(pid, options, &ignored);
        if (!again)
            return stacks;
        stacks_free(stacks);
        stacks = again;
    }
    return stacks;
}
