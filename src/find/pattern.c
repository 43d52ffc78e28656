/* Which section of threadleak-patterns(7) a finding is an example of. */
#include <string.h>

#include "find/context.h"

/* What the threads of a finding wait for; of a deadlock only those of the circle. */
struct traits {
    enum finding_code code;
    size_t threads, joins, locks, barriers, detached;
    bool joins_in_destructor, in_forked_child;
};

/* ---- what is counted ------------------------------------------------------------------- */

static bool is_lock(enum wait_on on)
{
    return on == WAIT_MUTEX || on == WAIT_RWLOCK;
}

/* They run destructors and atexit handlers. */
static bool is_end_of_module(const char *function)
{
    static const char *const names[] = {"dlclose", "_dl_fini", "__run_exit_handlers", "__cxa_finalize"};
    for (size_t i = 0; function && i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(function, names[i]) == 0)
            return true;
    return false;
}

static bool is_in_destructor(const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    for (size_t i = 0; stack && i < stack->count; i++)
        if (is_end_of_module(stack->frames[i].function))
            return true;
    return false;
}

static bool is_detached(const struct evidence *evidence, const struct thread_stack *thread)
{
    const struct ledger_slot *slot = thread_index_find(&evidence->threads, thread->tid);
    return slot && slot->state & SLOT_DETACHED;
}

static void add_trait(struct traits *traits, const struct evidence *evidence,
                      const struct thread_stack *thread)
{
    traits->threads++;
    traits->barriers += thread->wait.on == WAIT_BARRIER;
    traits->detached += is_detached(evidence, thread);
    traits->joins += thread->wait.on == WAIT_JOIN;
    traits->locks += is_lock(thread->wait.on);
    traits->joins_in_destructor |= thread->wait.on == WAIT_JOIN && is_in_destructor(thread);
}

static bool is_in_forked_child(const struct evidence *evidence)
{
    return evidence->ledger && ledger_get_header(evidence->ledger)->fork.pid;
}

static struct traits traits_of(const struct find_context *context, const struct finding *finding)
{
    const struct wait_graph *graph = &context->graph;
    struct traits traits = {.code = finding->code, .in_forked_child = is_in_forked_child(context->evidence)};
    for (size_t i = 0; i < finding->thread_count; i++) {
        const struct thread_stack *thread = stacks_find(context->stacks, finding->threads[i].tid);
        bool counts = thread && (finding->code != FINDING_DEADLOCK ||
                                 graph->nodes[thread - context->stacks->threads].cycle != NO_NODE);
        if (counts)
            add_trait(&traits, context->evidence, thread);
    }
    return traits;
}

/* ---- the patterns ---------------------------------------------------------------------- */

static bool fits_static_destructor(const struct traits *traits)
{
    return traits->joins_in_destructor;
}

static bool fits_fork(const struct traits *traits)
{
    return traits->code == FINDING_DEAD_OWNER && traits->in_forked_child;
}

static bool fits_unloaded(const struct traits *traits)
{
    return traits->code == FINDING_UNLOADED_CODE;
}

static bool fits_join_under_lock(const struct traits *traits)
{
    return traits->code == FINDING_DEADLOCK && traits->joins && traits->locks;
}

static bool fits_lock_order(const struct traits *traits)
{
    return traits->code == FINDING_DEADLOCK && traits->locks > 1;
}

/* A thread that locks again what it holds, or that ended with it. */
static bool fits_missing_unlock(const struct traits *traits)
{
    return traits->locks == 1 && traits->threads == 1 &&
           (traits->code == FINDING_DEADLOCK || traits->code == FINDING_DEAD_OWNER);
}

static bool fits_barrier(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->barriers;
}

/* Threads that nobody waits for: each has something that nobody takes. */
static bool fits_first_of_n(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->detached > 1;
}

static bool fits_handover(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->detached == 1;
}

static bool fits_fan_out(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->threads > 1 && !traits->joins;
}

static bool fits_endless_worker(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->threads == 1;
}

static const struct pattern {
    const char *section;
    bool (*fits)(const struct traits *traits);
} patterns[] = {
#define PATTERN(section, fits) {section, fits},
#include "find/patterns.def"
#undef PATTERN
};

const char *finding_pattern(const struct find_context *context, const struct finding *finding)
{
    const struct traits traits = traits_of(context, finding);
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (patterns[i].fits(&traits))
            return patterns[i].section;
    return NULL;
}
