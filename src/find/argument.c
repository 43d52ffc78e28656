/* Arguments of threads that point into the stack of their creator. */
#include <stdlib.h>

#include "find/site.h"

/* The usual size: an address that is further away is not taken for one on it. */
#define MAX_STACK (8u << 20)
#define MAX_THREADS_SHOWN 8

struct creator {
    uint64_t serial;
    const struct thread_stack *stack; /* NULL: it has ended, or its stack is unknown */
    const struct ledger_slot *ended;  /* it has ended, and its stack is still there: nobody joined it */
};

static struct creator creator_of(const struct find_context *context, uint64_t serial)
{
    const struct thread_index *index = &context->evidence->threads;
    struct creator creator = {.serial = serial};
    if (serial == LEDGER_MAIN_SERIAL)
        creator.stack = stacks_find(context->stacks, context->evidence->pid);
    for (size_t i = 0; i < index->count && serial != LEDGER_MAIN_SERIAL; i++) {
        const struct ledger_slot *slot = &index->slots[i];
        if (slot->serial != serial)
            continue;
        if (ledger_slot_kind(slot->state) == KIND_UNJOINED)
            creator.ended = slot;
        else if (!(slot->state & SLOT_ENDED))
            creator.stack = stacks_find(context->stacks, slot->tid);
    }
    return creator;
}

/* Above the frames are, of the main thread, the arguments and the environment, and of others their
 * thread-local storage. */
static bool is_on_stack(const struct thread_stack *creator, uint64_t address)
{
    return creator && address >= creator->frames.start && address < creator->frames.end;
}

/* How far down the stacks of other live threads reach is not known. */
static bool is_below_stack(const struct find_context *context, const struct thread_stack *creator,
                           uint64_t address)
{
    return creator && creator->tid == context->evidence->pid && address < creator->frames.start &&
           creator->frames.start - address < MAX_STACK;
}

/* Its whole stack is below its descriptor. The next thread may begin right below that. */
static bool is_on_ended_stack(const struct find_context *context, const struct ledger_slot *ended,
                              uint64_t address)
{
    const struct thread_index *index = &context->evidence->threads;
    if (!ended || !ended->handle || address >= ended->handle || ended->handle - address >= MAX_STACK)
        return false;
    for (size_t i = 0; i < index->count; i++) {
        uint64_t other = index->slots[i].handle;
        if (other > address && other < ended->handle)
            return false;
    }
    return true;
}

/* "T2, T3 and T4", "T2, T3, T4 and 5 more" */
static void add_names(struct line *text, const struct ledger_slot **first, size_t count)
{
    size_t shown = count < MAX_THREADS_SHOWN ? count : MAX_THREADS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        line_add(text, "%sT%llu",
                 i == 0           ? ""
                 : i + 1 == count ? " and "
                                  : ", ",
                 (unsigned long long)first[i]->serial);
    if (count > shown)
        line_add(text, " and %zu more", count - shown);
}

/* The variable that the threads share, if their creator changed it before the first of them began: then each
 * should have got one of its own. NULL: it may be right. */
static const char *changed_variable(const struct find_context *context, const struct ledger_slot *slot)
{
    const struct passed_variable *passed = stacks_find_passed(context->stacks, slot);
    if (!passed)
        return NULL;
    const struct code_address call = stack_address(context->evidence->ledger, passed->call, true);
    return symbolize_scalar(context->symbolizer, &call, &passed->place);
}

static void add_text(struct line *text, enum finding_code code, const struct creator *creator, bool one,
                     const char *variable)
{
    const char *of = creator->serial == LEDGER_MAIN_SERIAL ? " (main)" : "";
    unsigned long long serial = creator->serial;
    if (code == FINDING_SHARED_ARGUMENT && variable)
        line_add(text, " got the address of %s, which T%llu%s changed meanwhile", variable, serial, of);
    else if (code == FINDING_SHARED_ARGUMENT)
        line_add(text, " got the same pointer as their argument, to a variable on the stack of T%llu%s",
                 serial, of);
    else
        line_add(text, " got a pointer as %s argument to a variable of %s", one ? "its" : "their",
                 creator->ended ? "a thread that has ended" : "a function that has returned");
    if (code == FINDING_DEAD_ARGUMENT)
        line_add(text, ", on the stack of T%llu%s", serial, of);
}

static bool add(struct find_context *context, enum finding_code code, const struct ledger_slot **first,
                size_t count, const struct creator *creator)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, first[0]->site);
    struct line text = {.length = 0}, fact = {.length = 0};
    add_names(&text, first, count);
    const char *variable = code == FINDING_SHARED_ARGUMENT ? changed_variable(context, first[0]) : NULL;
    add_text(&text, code, creator, count == 1, variable);
    struct finding *finding = finding_add(context, code, variable ? FINDING_LIKELY : FINDING_NOTE, &text);
    for (size_t i = 0; finding && i < count; i++)
        if (!finding_add_slot(finding, first[i]))
            return false;
    line_add(&fact, "T%llu created %s", (unsigned long long)creator->serial, count == 1 ? "it" : "them");
    return finding && finding_add_fact(finding, &text, NULL) &&
           (!site || finding_add_creation(finding, &fact, site_place(context, site)));
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_site(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    int order = compare(a->created_by, b->created_by);
    if (!order)
        order = compare(a->site, b->site);
    return order ? order : compare(a->serial, b->serial);
}

static int by_argument(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    int order = compare(a->arg, b->arg);
    return order ? order : by_site(left, right);
}

/* Do they make one finding? Dead arguments of one site do, also when they are different ones. */
static bool is_same(const struct ledger_slot *a, const struct ledger_slot *b, enum finding_code code)
{
    return a->created_by == b->created_by && a->site == b->site &&
           (code == FINDING_DEAD_ARGUMENT || a->arg == b->arg);
}

static bool is_found(const struct find_context *context, enum finding_code code,
                     const struct creator *creator, uint64_t address)
{
    if (code == FINDING_SHARED_ARGUMENT)
        return is_on_stack(creator->stack, address) || is_below_stack(context, creator->stack, address);
    return is_below_stack(context, creator->stack, address) ||
           is_on_ended_stack(context, creator->ended, address);
}

/* slots: of one creator and site. Those that the finding is about come first then. */
static bool judge_site(struct find_context *context, const struct ledger_slot **slots, size_t count,
                       enum finding_code code, const struct creator *creator)
{
    size_t found = 0, least = code == FINDING_SHARED_ARGUMENT ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        if (is_found(context, code, creator, slots[i]->arg))
            slots[found++] = slots[i];
    return found < least || add(context, code, slots, found, creator);
}

static bool judge(struct find_context *context, const struct ledger_slot **slots, size_t count,
                  enum finding_code code)
{
    struct creator creator = {.serial = 0};
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && is_same(slots[i], slots[end], code);)
            end++;
        if (slots[i]->created_by != creator.serial)
            creator = creator_of(context, slots[i]->created_by);
        if (!judge_site(context, &slots[i], end - i, code, &creator))
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
        qsort(slots, count, sizeof(*slots), code == FINDING_DEAD_ARGUMENT ? by_site : by_argument);
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
