/* Which section of threadleak-patterns(7) a finding is an example of. */
#include <string.h>

#include "find/context.h"

/* What the threads of a finding wait for; of a deadlock only those of the circle. */
struct traits {
    enum finding_code code;
    size_t threads, joins, locks, barriers, detached;
    size_t joined_condvars;   /* joins of threads that wait for a condition variable */
    size_t condvars;          /* threads that wait for these variables */
    uint64_t created, joined; /* of the creation site */
    bool ended;               /* the threads of a lost handle */
    bool joins_in_destructor, in_forked_child;
    bool lock_in_wait;  /* the owner of a lock waits for something that has no owner */
    bool site_unjoined; /* other threads of the creation site have ended, and are not joined */
    bool others_joined; /* others with the same start routine were joined */
    bool of_main;
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

static size_t count_of_condvar(const struct stacks *stacks, uint64_t address)
{
    size_t count = 0;
    for (size_t i = 0; i < stacks->count; i++)
        count += stacks->threads[i].wait.on == WAIT_CONDVAR && stacks->threads[i].wait.address == address;
    return count;
}

/* Does it wait for a lock whose owner waits for what has no owner, such as a semaphore? */
static bool is_behind_a_wait(const struct stacks *stacks, const struct thread_stack *thread)
{
    const struct thread_stack *owner =
        is_lock(thread->wait.on) ? stacks_find(stacks, thread->wait.owner) : NULL;
    return owner && (owner->wait.on == WAIT_CONDVAR || owner->wait.on == WAIT_SEMAPHORE);
}

static bool has_unjoined(const struct ledger_site *site)
{
    return site->ended_joinable > site->joined + site->detached_late + site->released;
}

/* Was a thread joined that ran the same start routine, whoever created it? */
static bool any_is_joined(const struct ledger *ledger, ledger_pc start)
{
    for (uint32_t i = 1; i < ledger_site_count(ledger); i++) {
        const struct ledger_site *site = ledger_get_site(ledger, i);
        if (site->start_pc == start && site->joined)
            return true;
    }
    return false;
}

static void add_site(struct traits *traits, const struct evidence *evidence,
                     const struct thread_stack *thread)
{
    const struct ledger_slot *slot = thread_index_find(&evidence->threads, thread->tid);
    const struct ledger_site *site =
        slot && slot->site ? ledger_get_site(evidence->ledger, slot->site) : NULL;
    if (!site)
        return;
    traits->site_unjoined |= has_unjoined(site);
    traits->others_joined |= any_is_joined(evidence->ledger, site->start_pc);
}

static void add_trait(struct traits *traits, const struct evidence *evidence,
                      const struct thread_stack *thread)
{
    const struct stacks *stacks = evidence->stacks;
    traits->threads++;
    traits->barriers += thread->wait.on == WAIT_BARRIER;
    traits->detached += is_detached(evidence, thread);
    traits->joins += thread->wait.on == WAIT_JOIN;
    traits->locks += is_lock(thread->wait.on);
    traits->joins_in_destructor |= thread->wait.on == WAIT_JOIN && is_in_destructor(thread);
    traits->lock_in_wait |= is_behind_a_wait(stacks, thread);
    const struct thread_stack *joined =
        thread->wait.on == WAIT_JOIN ? stacks_find(stacks, thread->wait.owner) : NULL;
    if (joined && joined->wait.on == WAIT_CONDVAR) {
        traits->joined_condvars++;
        traits->condvars += count_of_condvar(stacks, joined->wait.address);
    }
    if (traits->threads == 1)
        add_site(traits, evidence, thread);
}

/* Threads that have ended have no stack. */
static void add_lost(struct traits *traits, const struct evidence *evidence, struct finding_thread thread)
{
    const struct ledger_slot *slot = thread_index_find(&evidence->threads, thread.tid);
    if (slot && slot->serial != thread.id) /* a later thread with the same tid */
        slot = NULL;
    for (size_t i = 0; i < evidence->threads.count && !slot; i++)
        if (evidence->threads.slots[i].serial == thread.id)
            slot = &evidence->threads.slots[i];
    const struct ledger_site *site = slot ? ledger_get_site(evidence->ledger, slot->site) : NULL;
    if (!site)
        return;
    traits->ended = slot->state & SLOT_ENDED;
    traits->created = site->created;
    traits->joined = site->joined;
}

static bool is_in_forked_child(const struct evidence *evidence)
{
    return evidence->ledger && ledger_get_header(evidence->ledger)->fork.pid;
}

static struct traits traits_of(const struct find_context *context, const struct finding *finding)
{
    const struct wait_graph *graph = &context->graph;
    struct traits traits = {.code = finding->code,
                            .of_main = finding->of_main,
                            .in_forked_child = is_in_forked_child(context->evidence)};
    if (finding->code == FINDING_LOST_HANDLE)
        add_lost(&traits, context->evidence, finding->threads[0]);
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

static bool is_hang(const struct traits *traits)
{
    return traits->code == FINDING_STUCK || traits->code == FINDING_ALL_ASLEEP;
}

static bool fits_barrier(const struct traits *traits)
{
    return is_hang(traits) && traits->barriers;
}

static bool fits_lock_and_queue(const struct traits *traits)
{
    return is_hang(traits) && traits->lock_in_wait;
}

static bool fits_no_broadcast(const struct traits *traits)
{
    return is_hang(traits) && traits->joined_condvars == 1 && traits->condvars > 1;
}

static bool fits_flag_without_wake(const struct traits *traits)
{
    return is_hang(traits) && traits->joined_condvars == 1 && traits->condvars == 1;
}

/* A single thread, or others of its creation site were joined. */
static bool fits_early_return(const struct traits *traits)
{
    return traits->code == FINDING_LOST_HANDLE && traits->ended && (traits->joined || traits->created == 1);
}

static bool fits_fire_and_forget(const struct traits *traits)
{
    return traits->code == FINDING_LOST_HANDLE && traits->ended && !traits->joined && traits->created > 1;
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

/* The first of them were not held back. */
static bool fits_fan_out(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->threads > 1 && !traits->joins && traits->site_unjoined;
}

static bool fits_forgotten_workers(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->threads > 1 && !traits->joins;
}

/* Others were stopped. */
static bool fits_start_without_stop(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->threads == 1 && traits->others_joined;
}

static bool fits_endless_worker(const struct traits *traits)
{
    return traits->code == FINDING_STUCK && traits->threads == 1 && !traits->of_main;
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
