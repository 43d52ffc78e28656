/*
 * Threads that wait for a notification that came before they waited.
 *
 * The dependents of a wait are all threads that wait for the same object, and those that join or wait for one
 * of these. None of them can go on before the object is notified. So the notifier must be a dependent or have
 * ended, and so must each thread that has notified the object before: another one can do it again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "find/context.h"

enum { MAX_OBJECTS = 64 };

static const char assumed[] = "all notifications go through pthread_cond_signal, pthread_cond_broadcast, "
                              "cnd_signal, cnd_broadcast or sem_post; "
                              "futex calls, as GLib, Rust and C++20 atomics make them, are not seen";

struct waiter {
    const struct thread_stack *thread;
    bool *dependents; /* by index of the graph's nodes */
    bool joined;      /* one of these joins */
    bool ending;      /* the last notifier is one of these, and joins */
};

static bool is_lost(const struct thread_stack *thread)
{
    const struct notified *notified = &thread->notified;
    return notified->state == NOTIFIED_BY && notified->id && notified->wait_ns > notified->ns &&
           thread->wait.timeout == WAIT_TIMEOUT_NO && !thread->wait.shared && !thread->later;
}

static bool waits_for_same(const struct thread_stack *thread, const struct thread_stack *other)
{
    return other->wait.on == thread->wait.on && other->wait.address == thread->wait.address &&
           other->wait.timeout == WAIT_TIMEOUT_NO && !other->later;
}

static bool waits_without_end(const struct thread_stack *thread)
{
    return thread->wait.on != WAIT_NONE && !thread->wait.running && thread->wait.timeout != WAIT_TIMEOUT_YES;
}

static void mark_dependents(const struct wait_graph *graph, struct waiter *waiter)
{
    for (size_t i = 0; i < graph->count; i++)
        waiter->dependents[i] = waits_for_same(waiter->thread, graph->nodes[i].thread);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < graph->count; i++) {
            const struct wait_node *node = &graph->nodes[i];
            if (waiter->dependents[i] || node->next == NO_NODE || !waiter->dependents[node->next] ||
                !waits_without_end(node->thread))
                continue;
            waiter->dependents[i] = more = true;
            waiter->joined |= node->thread->wait.on == WAIT_JOIN;
        }
    }
}

static bool has_notified(const struct notified *notified, uint64_t id)
{
    return notified->notifiers >> id % 64 & 1;
}

/* The process is over: the thread that ends it does not return to the program. */
static bool ends_process(const struct find_context *context, uint64_t id)
{
    const struct ledger_header *header = ledger_get_header(context->evidence->ledger);
    return header->end != LEDGER_END_NONE && id == header->end_serial;
}

static const struct thread_stack *find_thread(const struct find_context *context, uint64_t id)
{
    for (size_t i = 0; i < context->graph.count; i++)
        if (find_thread_id(context, context->graph.nodes[i].thread) == id)
            return context->graph.nodes[i].thread;
    return NULL;
}

/* The main thread has no record. A thread whose stack is not known may still be alive. */
static bool has_ended(const struct find_context *context, uint64_t id)
{
    const struct thread_index *index = &context->evidence->threads;
    for (size_t i = 0; i < index->count; i++)
        if (index->slots[i].serial == id && !(index->slots[i].state & SLOT_ENDED))
            return false;
    return id != LEDGER_MAIN_SERIAL;
}

/* It has ended, or joins a dependent. One that waits for the object itself is no reason for anything. */
static bool notifier_is_over(const struct find_context *context, struct waiter *waiter)
{
    uint64_t id = waiter->thread->notified.id;
    const struct thread_stack *notifier = find_thread(context, id);
    if (!notifier)
        return has_ended(context, id);
    waiter->ending =
        notifier->wait.on == WAIT_JOIN && waiter->dependents[notifier - context->stacks->threads];
    return waiter->ending || ends_process(context, id);
}

/*
 * Can it go on, and be the first one that notifies the object? Workers wait so for what threads bring that
 * read from a descriptor. But one that the last notifier joins should end. A thread of libc that waits for a
 * signal starts those of timers.
 */
static bool can_go_on(const struct waiter *waiter, const struct thread_stack *thread, uint64_t id)
{
    if (!waits_without_end(thread))
        return true;
    return waiter->ending ? !id && thread->wait.on == WAIT_SIGNAL : !is_inner_wait(&thread->wait);
}

/* sem_post() is allowed in a signal handler. */
static bool handler_can_notify(const struct find_context *context, const struct waiter *waiter)
{
    return context->stacks->handles_signals && waiter->thread->wait.on == WAIT_SEMAPHORE;
}

/* Could a thread notify it now? *level: of the finding if none could. */
static bool can_be_notified(const struct find_context *context, const struct waiter *waiter,
                            enum finding_level *level)
{
    bool is_over = ledger_get_header(context->evidence->ledger)->end != LEDGER_END_NONE;
    *level = waiter->joined || !is_over ? FINDING_LIKELY : FINDING_NOTE;
    if (!is_over && handler_can_notify(context, waiter))
        *level = FINDING_NOTE;
    for (size_t i = 0; i < context->graph.count; i++) {
        const struct thread_stack *thread = context->graph.nodes[i].thread;
        uint64_t id = find_thread_id(context, thread);
        if (waiter->dependents[i] || ends_process(context, id))
            continue;
        if (has_notified(&waiter->thread->notified, id))
            return true;
        if (!is_over && can_go_on(waiter, thread, id))
            *level = FINDING_NOTE;
    }
    return false;
}

/* "T1 joins T2", "T1 has ended" */
static void add_notifier_now(struct line *line, const struct find_context *context, uint64_t id,
                             const struct thread_stack *notifier)
{
    line_add(line, "T%" PRIu64, id);
    if (!notifier)
        line_add(line, " has ended");
    else if (ends_process(context, id))
        line_add(line, " has ended the process");
    else
        line_add(line, " joins T%" PRIu64, notifier->owner_id);
}

/* "T2 waits for condvar ready, last notified by T1 in stop (pool.c:31), 0.15 s before this wait began, and T1
 * joins T2" */
static bool add_facts(struct finding *finding, const struct find_context *context,
                      const struct thread_stack *thread, const struct thread_stack *notifier)
{
    struct line waits = {.length = 0}, notified = {.length = 0}, now = {.length = 0};
    add_thread_name(&waits, context, thread);
    line_add(&waits, " waits for ");
    add_waited_object(&waits, &thread->wait);
    line_add(&notified, "T%" PRIu64 " notified it last", thread->notified.id);
    line_add_notified_time(&notified, &thread->notified);
    add_notifier_now(&now, context, thread->notified.id, notifier);
    return finding_add_fact(finding, &waits, current_place(thread)) &&
           finding_add_fact(finding, &notified, notified_place(&thread->notified)) &&
           finding_add_fact(finding, &now, notifier ? current_place(notifier) : NULL);
}

static bool add(struct find_context *context, const struct waiter *waiter, enum finding_level level)
{
    const struct thread_stack *thread = waiter->thread, *notifier = find_thread(context, thread->notified.id);
    struct line text = {.length = 0};
    add_thread_name(&text, context, thread);
    line_add(&text, " waits for ");
    add_waited_object(&text, &thread->wait);
    line_add_notified(&text, &thread->notified);
    line_add(&text, ", and ");
    add_notifier_now(&text, context, thread->notified.id, notifier);
    struct finding *finding = finding_add(context, FINDING_LOST_WAKEUP, level, &text);
    if (!finding || !(finding->assumed = strdup(assumed)))
        return false;
    return finding_add_thread(finding, context, thread) &&
           (!notifier || finding_add_thread(finding, context, notifier)) &&
           add_facts(finding, context, thread, notifier);
}

/* One finding for each object. */
static bool is_repeated(const struct find_context *context, size_t index)
{
    const struct wait_node *nodes = context->graph.nodes;
    for (size_t i = 0; i < index; i++)
        if (is_lost(nodes[i].thread) && waits_for_same(nodes[index].thread, nodes[i].thread))
            return true;
    return false;
}

bool find_lost_wakeup(struct find_context *context)
{
    size_t objects = 0;
    bool done = true;
    struct waiter waiter = {.dependents = calloc(context->graph.count + 1, sizeof(bool))};
    for (size_t i = 0; done && waiter.dependents && context->evidence->ledger && i < context->graph.count;
         i++) {
        enum finding_level level;
        waiter.thread = context->graph.nodes[i].thread;
        waiter.joined = waiter.ending = false;
        if (objects == MAX_OBJECTS || !is_lost(waiter.thread) || is_repeated(context, i))
            continue;
        objects++;
        mark_dependents(&context->graph, &waiter);
        if (notifier_is_over(context, &waiter) && !can_be_notified(context, &waiter, &level))
            done = add(context, &waiter, level);
    }
    done = done && waiter.dependents;
    free(waiter.dependents);
    return done;
}
