/* One finding: what a function of findings.def adds to it, and what others ask about it. */
#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "find/context.h"

const char *finding_level_name(enum finding_level level)
{
    static const char *const names[FINDING_LEVELS] = {
        [FINDING_NOTE] = "note", [FINDING_LIKELY] = "likely", [FINDING_PROVED] = "proved"};
    return names[level];
}

/* ---- adding ---------------------------------------------------------------------------- */

struct finding *finding_add(struct find_context *context, enum finding_code code, enum finding_level level,
                            const struct line *text)
{
    struct findings *findings = context->findings;
    char *copy = line_copy(text);
    if (!copy || !ARRAY_GROW(findings->items, findings->count)) {
        free(copy);
        return NULL;
    }
    struct finding *finding = &findings->items[findings->count++];
    *finding = (struct finding){.code = code, .level = level, .text = copy};
    return finding;
}

static bool add_thread(struct finding *finding, struct finding_thread thread)
{
    const struct finding_thread *last =
        finding->thread_count ? &finding->threads[finding->thread_count - 1] : NULL;
    finding->ids_ascend = !last || (finding->ids_ascend && last->id < thread.id);
    finding->tids_ascend = !last || (finding->tids_ascend && last->tid < thread.tid);
    if (!ARRAY_GROW(finding->threads, finding->thread_count))
        return false;
    finding->threads[finding->thread_count++] = thread;
    return true;
}

bool finding_add_thread(struct finding *finding, const struct find_context *context,
                        const struct thread_stack *thread)
{
    finding->of_main |= thread->tid == context->evidence->pid;
    return add_thread(finding, (struct finding_thread){find_thread_id(context, thread), thread->tid});
}

bool finding_add_slot(struct finding *finding, const struct ledger_slot *slot)
{
    return add_thread(finding, (struct finding_thread){slot->serial, slot->tid});
}

bool finding_add_fact(struct finding *finding, const struct line *text, const struct frame *at)
{
    char *copy = line_copy(text);
    if (!copy || !ARRAY_GROW(finding->facts, finding->fact_count)) {
        free(copy);
        return false;
    }
    finding->facts[finding->fact_count++] = (struct finding_fact){.text = copy, .at = at};
    return true;
}

bool finding_add_creation(struct finding *finding, const struct line *text, const struct frame *at)
{
    if (!finding_add_fact(finding, text, at))
        return false;
    finding->facts[finding->fact_count - 1].creation = true;
    return true;
}

void finding_fact_is_more(struct finding *finding)
{
    finding->facts[finding->fact_count - 1].more = true;
}

/* ---- threads ------------------------------------------------------------------------------ */

uint64_t find_thread_id(const struct find_context *context, const struct thread_stack *thread)
{
    const struct evidence *evidence = context->evidence;
    if (!evidence->ledger)
        return 0;
    if (thread->tid == evidence->pid)
        return LEDGER_MAIN_SERIAL;
    const struct ledger_slot *slot = evidence->core && thread->handle
                                         ? thread_index_find_handle(&evidence->threads, thread->handle)
                                         : thread_index_find(&evidence->threads, thread->tid);
    return slot ? slot->serial : 0;
}

void add_thread_name(struct line *line, const struct find_context *context, const struct thread_stack *thread)
{
    uint64_t id = find_thread_id(context, thread);
    if (id)
        line_add(line, "T%llu", (unsigned long long)id);
    else
        line_add(line, "tid %d", (int)thread->tid);
}

bool is_inner_wait(const struct wait *wait)
{
    bool inner = wait->on == WAIT_MUTEX || wait->on == WAIT_RWLOCK || wait->on == WAIT_CONDVAR ||
                 wait->on == WAIT_SEMAPHORE || wait->on == WAIT_BARRIER || wait->on == WAIT_JOIN ||
                 wait->on == WAIT_FUTEX;
    return inner && !wait->shared && wait->fd < 0;
}

const struct frame *current_place(const struct thread_stack *thread)
{
    const struct shared_stack *stack = thread->stack;
    if (!stack || !stack->count)
        return NULL;
    const struct frame *user = innermost_user_frame(stack->frames, stack->count);
    return user ? user : &stack->frames[0];
}

size_t finding_own_facts(const struct finding *finding)
{
    return finding->own_facts ? finding->own_facts : finding->fact_count;
}

/* One finding may name ten thousand threads, and a report asks for each. */
bool finding_names(const struct finding *finding, uint64_t id, pid_t tid)
{
    const struct finding_thread *threads = finding->threads;
    size_t count = finding->thread_count;
    if (id && finding->ids_ascend) {
        size_t at = SEARCH_FIRST(i, count, threads[i].id >= id);
        return at < count && threads[at].id == id;
    }
    if (!id && finding->tids_ascend) {
        size_t at = SEARCH_FIRST(i, count, threads[i].tid >= tid);
        return at < count && threads[at].tid == tid;
    }
    for (size_t i = 0; i < count; i++)
        if (id ? threads[i].id == id : threads[i].tid == tid)
            return true;
    return false;
}

static void release(struct finding *finding)
{
    for (size_t i = 0; i < finding->fact_count; i++)
        free(finding->facts[i].text);
    free(finding->facts);
    free(finding->threads);
    free(finding->text);
    free(finding->assumed);
}

void findings_release(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        release(&findings->items[i]);
    free(findings->items);
    free(findings->verdict);
    *findings = (struct findings){0};
}
