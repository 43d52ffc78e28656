/* Arguments of threads that point into the stack of their creator. */
#include <stdlib.h>

#include "find/site.h"

#define MAX_STACK                                                                                  \
    (8u << 20)       /* the usual size: an address that is further away is not taken for one on it \
                      */
#define RED_ZONE 128 /* below the stack pointer, which a function may use (psABI of x86-64) */
#define MAX_THREADS_SHOWN 8

static const struct thread_stack *creator_of(const struct find_context *context, uint64_t serial)
{
    const struct thread_index *index = &context->evidence->threads;
    if (serial == LEDGER_MAIN_SERIAL)
        return stacks_find(context->stacks, context->evidence->pid);
    for (size_t i = 0; i < index->count; i++)
        if (index->slots[i].serial == serial && !(index->slots[i].state & SLOT_ENDED))
            return stacks_find(context->stacks, index->slots[i].tid);
    return NULL;
}

/* The stack of a thread ends below its descriptor. That of the main thread ends where the kernel put it. */
static bool is_on_stack(const struct find_context *context, const struct thread_stack *creator,
                        uint64_t address)
{
    bool is_main = creator->tid == context->evidence->pid;
    return creator->sp && address >= creator->sp && address - creator->sp < MAX_STACK &&
           (is_main || (creator->handle && address < creator->handle));
}

/* How far other stacks reach down is not known. */
static bool is_below_stack(const struct find_context *context, const struct thread_stack *creator,
                           uint64_t address)
{
    return creator->tid == context->evidence->pid && address < creator->sp - RED_ZONE &&
           creator->sp - address < MAX_STACK;
}

static bool add(struct find_context *context, enum finding_code code, const struct ledger_slot **first,
                size_t count, const struct thread_stack *creator)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, first[0]->site);
    struct line text = {.length = 0}, fact = {.length = 0};
    for (size_t i = 0; i < count && i < MAX_THREADS_SHOWN; i++)
        line_add(&text, "%sT%llu", i ? ", " : "", (unsigned long long)first[i]->serial);
    if (count > MAX_THREADS_SHOWN)
        line_add(&text, " and %zu more", count - MAX_THREADS_SHOWN);
    line_add(&text, code == FINDING_SHARED_ARGUMENT
                        ? " got the same argument, which points into the stack of "
                        : " got an argument that points below the stack of ");
    add_thread_name(&text, context, creator);
    struct finding *finding = finding_add(context, code, FINDING_NOTE, &text);
    for (size_t i = 0; finding && i < count; i++)
        if (!finding_add_slot(finding, first[i]))
            return false;
    line_add(&fact, "%s created", count == 1 ? "it was" : "they were");
    return finding && finding_add_fact(finding, &text, NULL) &&
           (!site || finding_add_fact(finding, &fact, site_place(context, site)));
}

static int by_argument(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    if (a->created_by != b->created_by)
        return a->created_by < b->created_by ? -1 : 1;
    if (a->arg != b->arg)
        return a->arg < b->arg ? -1 : 1;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

static bool is_same(const struct ledger_slot *a, const struct ledger_slot *b)
{
    return a->created_by == b->created_by && a->arg == b->arg && a->site == b->site;
}

static bool judge(struct find_context *context, const struct ledger_slot **slots, size_t count,
                  enum finding_code code)
{
    const struct thread_stack *creator = NULL;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && is_same(slots[i], slots[end]);)
            end++;
        if (i == 0 || slots[i]->created_by != slots[i - 1]->created_by)
            creator = creator_of(context, slots[i]->created_by);
        if (!creator)
            continue;
        bool found = code == FINDING_SHARED_ARGUMENT
                         ? end - i > 1 && is_on_stack(context, creator, slots[i]->arg)
                         : is_below_stack(context, creator, slots[i]->arg);
        if (found && !add(context, code, &slots[i], end - i, creator))
            return false;
    }
    return true;
}

static bool judge_live(struct find_context *context, enum finding_code code)
{
    const struct thread_index *index = &context->evidence->threads;
    const struct ledger_slot **slots = calloc(index->count + 1, sizeof(*slots));
    size_t count = 0;
    for (size_t i = 0; slots && i < index->count; i++)
        if (index->slots[i].arg && index->slots[i].created_by && !(index->slots[i].state & SLOT_ENDED))
            slots[count++] = &index->slots[i];
    if (count)
        qsort(slots, count, sizeof(*slots), by_argument);
    bool done = slots && judge(context, slots, count, code);
    free(slots);
    return done;
}

bool find_shared_argument(struct find_context *context)
{
    return judge_live(context, FINDING_SHARED_ARGUMENT);
}

bool find_dead_argument(struct find_context *context)
{
    return judge_live(context, FINDING_DEAD_ARGUMENT);
}
