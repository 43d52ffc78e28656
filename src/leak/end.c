/* How a process ended, and whether its leaks are judged. */
#include <string.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "common/options.h"
#include "leak/death_test.h"
#include "leak/process_build.h"

static enum end_how recorded_end(uint32_t end)
{
    switch (end) {
    case LEDGER_END_EXIT:
        return END_EXIT;
    case LEDGER_END__EXIT:
        return END__EXIT;
    case LEDGER_END_QUICK_EXIT:
        return END_QUICK_EXIT;
    case LEDGER_END_EXEC:
        return END_EXEC;
    default:
        return END_SIGNAL;
    }
}

/* The shim has already judged the ends that it recorded. */
static void set_recorded_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct process_end *end = &build->evidence->end;
    process->how = recorded_end(build->header->end);
    process->judged = build->header->end_judged;
    process->status_known = process->how != END_EXEC && build->header->end_status != LEDGER_STATUS_UNKNOWN;
    process->status = build->header->end_status & 0xff;
    if (process->how == END_EXEC || !end->known)
        return;
    process->status = WEXITSTATUS(end->wait_status);
    process->status_known = true;
    if (WIFSIGNALED(end->wait_status)) {
        process->how = END_SIGNAL;
        process->signal = WTERMSIG(end->wait_status);
        process->status_known = false;
    }
}

/* Did an end begin, such as exit(), and the process end before the shim recorded that? A sanitizer can do
 * this. A death by signal is no such end. */
static bool is_begun_end(const struct build *build)
{
    const struct process_end *end = &build->evidence->end;
    bool by_signal = end->known && WIFSIGNALED(end->wait_status);
    return build->header && build->header->end_began && !end->alive && !by_signal;
}

static void set_begun_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct process_end *end = &build->evidence->end;
    process->how = recorded_end(build->header->end_began);
    process->judged = build->rules->judge_seen & (1u << build->header->end_began);
    process->status_known = true;
    process->status = end->known ? WEXITSTATUS(end->wait_status) : build->header->end_status & 0xff;
}

bool is_spared_death_test(const struct build *build, char *const *argv)
{
    return !((build->rules->judge_seen | build->rules->judge) & JUDGE_DEATH_TEST) &&
           is_death_test(build->evidence, argv, build->rules->symbolizer);
}

static bool spares_death_test(const struct build *build)
{
    return is_spared_death_test(build, build->process.argv);
}

void build_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct process_end *end = &build->evidence->end;
    if (build->header && build->header->end != LEDGER_END_NONE) {
        set_recorded_end(build);
    } else if (is_begun_end(build)) {
        set_begun_end(build);
    } else if (end->alive || (build->evidence->core && !end->known)) {
        process->how = END_ALIVE;
        process->judged = build->rules->judge_live;
    } else if (end->known &&
               WIFEXITED(end->wait_status)) { /* ended by a system call, which the shim does not see */
        process->how = END__EXIT;
        process->judged = build->rules->judge & JUDGE__EXIT;
        process->status_known = true;
        process->status = WEXITSTATUS(end->wait_status);
    } else {
        process->how = END_SIGNAL;
        process->judged = build->rules->judge & JUDGE_SIGNAL;
        process->signal = end->known ? WTERMSIG(end->wait_status) : 0;
    }
    if (process->judged && process->how != END_ALIVE && spares_death_test(build))
        process->judged = false;
}

/* The user frame that called abort(). A handler of SIGABRT may be over it, if it ended the process. */
static const struct frame *abort_place(const struct shared_stack *stack)
{
    size_t i = 0;
    while (i < stack->count &&
           !(stack->frames[i].function && strcmp(stack->frames[i].function, "abort") == 0))
        i++;
    if (i == stack->count)
        i = 0; /* it is not in libc yet */
    return innermost_user_frame(stack->frames + i, stack->count - i);
}

void build_abort(struct build *build)
{
    const struct ledger_abort *from = &build->header->abort;
    struct abort_info *abort = &build->process.abort;
    if (!evidence_is_abort(build->evidence) || spares_death_test(build))
        return;
    const struct thread_stack *current = stacks_find(build->process.stacks, from->tid);
    const struct shared_stack *stack = current ? current->stack : NULL;
    abort->call = from->call == ABORT_ASSERT ? ABORT_ASSERT : ABORT_CALL; /* the ledger may hold any number */
    abort->by = from->by;
    abort->tid = from->tid;
    abort->at = stack ? abort_place(stack) : NULL;
    if (!abort->at && from->at)
        abort->at = stack_call(build->evidence->ledger, build->rules->symbolizer, from->at);
}

void build_crash(struct build *build)
{
    const struct evidence *evidence = build->evidence;
    const char *signal =
        build->process.how == END_SIGNAL ? fault_name((uint32_t)build->process.signal) : NULL;
    if (!evidence->crashed || !signal || build->process.abort.call)
        return;
    const struct ledger_slot *slot =
        build->header ? thread_index_find(&evidence->threads, evidence->crashed) : NULL;
    const struct thread_stack *current = stacks_find(build->process.stacks, evidence->crashed);
    build->process.crash = (struct crash_info){.signal = signal, .tid = evidence->crashed};
    if (slot)
        build->process.crash.by = slot->serial;
    else if (build->process.watched && evidence->crashed == evidence->pid)
        build->process.crash.by = LEDGER_MAIN_SERIAL;
    if (current && current->stack)
        build->process.crash.at = innermost_user_frame(current->stack->frames, current->stack->count);
}
