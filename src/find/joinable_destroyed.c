/* std::terminate, because a std::thread was destroyed, or got another thread, while it was joinable. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "find/site.h"

#define THREADS_NAMED 4

/* The functions that call std::terminate for this reason only. makers: where libraries create the thread,
 * which is never inlined; NULL: that is not known. */
static const struct cause {
    const char *function, *did, *type, *maker;
} causes[] = {
#define STD_MAKER "std::thread::_M_start_thread"
#define BOOST_MAKER "boost::thread::start_thread"
    {"std::thread::~thread", "destroyed", "std::thread", STD_MAKER},
    {"std::thread::operator=", "replaced", "std::thread", STD_MAKER},
    /* The others contain the first one, if it was inlined and there is no debug information. */
    {"std::vector<std::thread, std::allocator<std::thread> >::~vector", "destroyed", "std::thread",
     STD_MAKER},
    {"void std::_Destroy_aux<false>::__destroy<std::thread*>", "destroyed", "std::thread", STD_MAKER},
    {"std::default_delete<std::thread>::operator()", "destroyed", "std::thread", STD_MAKER},
    {"std::unique_ptr<std::thread, std::default_delete<std::thread> >::~unique_ptr", "destroyed",
     "std::thread", STD_MAKER},
    {"std::__1::thread::~thread", "destroyed", "std::thread", NULL},
    {"std::__1::thread::operator=", "replaced", "std::thread", NULL},
    {"boost::thread::~thread", "destroyed", "boost::thread", BOOST_MAKER},
    {"boost::thread::operator=", "replaced", "boost::thread", BOOST_MAKER},
};

/* In optimised code without debug information the caller is the function that had the object, or one that
 * called std::terminate for another reason. */
static const struct cause unknown_cause = {NULL, NULL, "std::thread", STD_MAKER};

/* ---- the stack ------------------------------------------------------------------------ */

/* With or without arguments. */
static bool is_function(const struct frame *frame, const char *name)
{
    size_t length = strlen(name);
    return frame->function && strncmp(frame->function, name, length) == 0 &&
           (!frame->function[length] || frame->function[length] == '(' || frame->function[length] == '[');
}

static const struct cause *cause_of(const struct frame *frame)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
        if (is_function(frame, causes[i].function))
            return &causes[i];
    return NULL;
}

static bool is_terminate(const struct frame *frame)
{
    return is_function(frame, "std::terminate") || is_function(frame, "std::__terminate");
}

struct destroyed {
    const struct thread_stack *by;
    const struct cause *cause;
    const struct frame *at; /* NULL: no code of the user called it */
    bool in_exit;           /* a destructor of a static object, after the end of main */
    bool merged;            /* or the other way round: a compiler can merge such calls in one function */
    bool direct;            /* `at` called the destructor, or a function that may contain it */
    bool in_frame;          /* the objects of the candidates are in the frame of `at` */
};

static bool is_exit(const struct frame *frame)
{
    return is_function(frame, "exit") || is_function(frame, "__run_exit_handlers") ||
           is_function(frame, "__cxa_finalize");
}

static bool is_inlined_in_user(const struct shared_stack *stack, size_t at)
{
    while (at < stack->count && stack->frames[at].inlined)
        at++;
    return at < stack->count && !stack->frames[at].runtime;
}

/* The function that has the frame: `at` may be inlined in it. */
static const char *function_of_frame(const struct destroyed *destroyed)
{
    const struct frame *at = destroyed->at;
    const struct shared_stack *stack = destroyed->by->stack;
    while (at && at->inlined && at + 1 < stack->frames + stack->count)
        at++;
    return at ? at->function : NULL;
}

/* Is the handle of the thread in the frame of the function that called std::terminate? */
static bool is_in_its_frame(const struct find_context *context, const struct destroyed *destroyed,
                            const struct ledger_slot *slot)
{
    const struct kept_handle *kept = stacks_find_kept(context->stacks, slot->handle);
    const char *function = function_of_frame(destroyed);
    return kept && kept->function && function && kept->tid == destroyed->by->tid &&
           strcmp(kept->function, function) == 0;
}

static bool has_no_lines(const struct frame *frame)
{
    return !frame->runtime && !frame->inlined && !frame->file;
}

/* Not if a container or a smart pointer destroyed the object, which is elsewhere then; nor by an assignment,
 * whose object may be an argument of the function. */
static bool is_direct(const struct destroyed *destroyed, const struct frame *called)
{
    if (destroyed->cause == &unknown_cause)
        return true;
    return destroyed->at == called + 1 && strstr(destroyed->cause->function, "thread::") &&
           (destroyed->merged || strstr(destroyed->cause->function, "::~"));
}

/* The caller of std::terminate decides: an exception that nobody catches, or that leaves a noexcept function,
 * has another one. */
static bool find_cause(const struct thread_stack *thread, struct destroyed *destroyed)
{
    const struct shared_stack *stack = thread->stack;
    size_t at = 0;
    while (stack && at < stack->count && !is_terminate(&stack->frames[at]))
        at++;
    while (stack && at < stack->count && is_terminate(&stack->frames[at]))
        at++;
    const struct cause *cause = stack && at < stack->count ? cause_of(&stack->frames[at]) : NULL;
    if (!cause && stack && at < stack->count && has_no_lines(&stack->frames[at]))
        cause = &unknown_cause;
    if (!cause)
        return false;
    const struct frame *user = innermost_user_frame(stack->frames + at, stack->count - at);
    *destroyed =
        (struct destroyed){.by = thread, .cause = cause, .at = user, .merged = is_inlined_in_user(stack, at)};
    destroyed->direct = is_direct(destroyed, &stack->frames[at]);
    for (; at < stack->count && &stack->frames[at] != user; at++)
        destroyed->in_exit |= is_exit(&stack->frames[at]);
    return true;
}

/* ---- the threads that it can be --------------------------------------------------------- */

struct candidates {
    const struct ledger_slot **slots; /* by serial */
    size_t count;
    bool certain; /* there is no other */
};

/* The destructors of their owners join. */
static bool is_owner_that_joins(const struct frame *frame)
{
    return frame->function && (text_begins_with(frame->function, "std::jthread::") ||
                               text_begins_with(frame->function, "std::__future_base::_Async_state_impl"));
}

static bool is_joined_by_owner(const struct find_context *context, const ledger_pc *pcs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct frame_list *list =
            stack_frames(context->evidence->ledger, context->symbolizer, pcs[i], true);
        for (size_t j = 0; j < list->count; j++) {
            if (!list->frames[j].runtime)
                return false;
            if (is_owner_that_joins(&list->frames[j]))
                return true;
        }
    }
    return false;
}

/* Can the thread belong to an object of this type? certain: cleared if that is not known. */
static bool is_of_type(const struct find_context *context, const struct ledger_slot *slot,
                       const struct cause *cause, bool *certain)
{
    const struct ledger *ledger = context->evidence->ledger;
    const struct ledger_site *site = ledger_get_site(ledger, slot->site);
    uint32_t count = 0;
    const ledger_pc *pcs = site ? ledger_get_frames(ledger, site, &count) : NULL;
    const struct frame_list *list = count ? stack_frames(ledger, context->symbolizer, pcs[0], true) : NULL;
    const struct frame *maker = list ? &list->frames[list->count - 1] : NULL;
    if (!cause->maker || !maker || !maker->function) {
        *certain = false;
        return true;
    }
    return text_begins_with(maker->function, cause->maker) && !is_joined_by_owner(context, pcs, count);
}

static int by_serial(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

/* A forked child has copies of objects whose thread exists only in the parent. */
static bool are_all_known(const struct ledger_header *header)
{
    return !header->lost_events && !header->lost_places && !header->second_namespace &&
           !header->fork.missing_count;
}

/* False: out of memory. */
static bool find_candidates(struct candidates *candidates, const struct find_context *context,
                            const struct cause *cause)
{
    const struct ledger *ledger = context->evidence->ledger;
    const struct thread_index *threads = &context->evidence->threads;
    *candidates = (struct candidates){calloc(threads->count + 1, sizeof(*candidates->slots)), 0,
                                      ledger && are_all_known(ledger_get_header(ledger))};
    for (size_t i = 0; candidates->slots && ledger && i < threads->count; i++) {
        const struct ledger_slot *slot = &threads->slots[i];
        if (ledger_slot_kind(slot->state) & (KIND_RUNNING | KIND_UNJOINED) &&
            is_of_type(context, slot, cause, &candidates->certain))
            candidates->slots[candidates->count++] = slot;
    }
    if (candidates->count)
        qsort(candidates->slots, candidates->count, sizeof(*candidates->slots), by_serial);
    return candidates->slots != NULL;
}

static const struct frame *created_at(const struct find_context *context, const struct ledger_slot *slot)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, slot->site);
    return site ? site_place(context, site) : NULL;
}

/* Where all of them were created; NULL: not known, or at several places. */
static const struct frame *created_together(const struct find_context *context,
                                            const struct candidates *candidates)
{
    const struct frame *first = candidates->count ? created_at(context, candidates->slots[0]) : NULL;
    for (size_t i = 1; first && i < candidates->count; i++)
        if (compare_places(first, created_at(context, candidates->slots[i])) != 0)
            return NULL;
    return first;
}

/* ---- the finding -------------------------------------------------------------------------- */

/* "T2, T3, T4", "T2, T3, T4, T5 and 12 more" */
static void add_candidates(struct line *line, const struct candidates *candidates)
{
    size_t named = candidates->count < THREADS_NAMED ? candidates->count : THREADS_NAMED;
    for (size_t i = 0; i < named; i++)
        line_add(line, "%sT%llu", i ? ", " : "", (unsigned long long)candidates->slots[i]->serial);
    if (candidates->count > named)
        line_add(line, " and %zu more", candidates->count - named);
}

/* "T1 destroyed a joinable std::thread" */
static void add_act(struct line *line, const struct find_context *context, const struct destroyed *destroyed)
{
    add_thread_name(line, context, destroyed->by);
    if (destroyed->cause == &unknown_cause) {
        line_add(line, " called std::terminate");
        return;
    }
    line_add(line, " %s a joinable %s", destroyed->merged ? "destroyed or replaced" : destroyed->cause->did,
             destroyed->cause->type);
    line_add(line, destroyed->in_exit ? ", a static object, when the program exited" : "");
}

static struct finding *add_text(struct find_context *context, const struct destroyed *destroyed,
                                const struct candidates *candidates)
{
    const struct frame *created = created_together(context, candidates);
    enum finding_level level =
        candidates->count == 1 && candidates->certain ? FINDING_PROVED : FINDING_LIKELY;
    if (destroyed->cause == &unknown_cause)
        level = destroyed->in_frame ? FINDING_LIKELY : FINDING_NOTE;
    struct line text = {.length = 0};
    add_act(&text, context, destroyed);
    if (destroyed->at && !destroyed->in_exit) {
        line_add(&text, " at ");
        add_place(&text, destroyed->at);
    }
    if (destroyed->cause == &unknown_cause)
        line_add(&text, destroyed->in_frame ? ", which has a joinable std::thread"
                                            : ", perhaps because a joinable std::thread was destroyed");
    if (candidates->count) {
        line_add(&text, candidates->count > 1 ? ": one of " : ": ");
        add_candidates(&text, candidates);
    }
    if (created) {
        line_add(&text, ", created at ");
        add_place(&text, created);
    }
    return finding_add(context, FINDING_JOINABLE_DESTROYED, level, &text);
}

/* Those of one place in one line. */
static bool add_creations(struct finding *finding, const struct find_context *context,
                          const struct candidates *all)
{
    for (size_t from = 0, to; from < all->count; from = to) {
        const struct frame *at = created_at(context, all->slots[from]);
        struct line fact = {.length = 0};
        for (to = from + 1; to < all->count && compare_places(at, created_at(context, all->slots[to])) == 0;)
            to++;
        const struct candidates same = {all->slots + from, to - from, true};
        add_candidates(&fact, &same);
        line_add(&fact, same.count > 1 ? " were created" : " was created");
        if (!finding_add_creation(finding, &fact, at))
            return false;
    }
    return true;
}

static bool add(struct find_context *context, const struct destroyed *destroyed,
                const struct candidates *candidates)
{
    struct line fact = {.length = 0};
    struct finding *finding = add_text(context, destroyed, candidates);
    add_act(&fact, context, destroyed);
    bool done = finding && finding_add_fact(finding, &fact, destroyed->at) &&
                add_creations(finding, context, candidates);
    for (size_t i = 0; done && i < candidates->count; i++)
        done = finding_add_slot(finding, candidates->slots[i]);
    return done;
}

/* Those whose object is in the frame of the caller, if there are any. */
static void keep_those_in_frame(const struct find_context *context, struct destroyed *destroyed,
                                struct candidates *candidates)
{
    size_t count = 0;
    for (size_t i = 0; i < candidates->count; i++)
        if (is_in_its_frame(context, destroyed, candidates->slots[i]))
            candidates->slots[count++] = candidates->slots[i];
    destroyed->in_frame = count > 0;
    if (!count || count == candidates->count)
        return;
    candidates->count = count;
    candidates->certain = false;
}

/* Did the function that destroyed the object create the thread, or call what created it? */
static bool is_of_its_function(const struct find_context *context, const struct destroyed *destroyed,
                               const struct ledger_slot *slot)
{
    const struct ledger *ledger = context->evidence->ledger;
    const struct ledger_site *site = ledger_get_site(ledger, slot->site);
    uint32_t count = 0;
    const ledger_pc *pcs = site ? ledger_get_frames(ledger, site, &count) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct frame_list *list = stack_frames(ledger, context->symbolizer, pcs[i], true);
        for (size_t j = 0; j < list->count; j++)
            if (list->frames[j].function && strcmp(list->frames[j].function, destroyed->at->function) == 0)
                return true;
    }
    return false;
}

/* The most likely ones, because only the first ones are named. */
static void put_those_of_its_function_first(const struct find_context *context,
                                            const struct destroyed *destroyed, struct candidates *candidates)
{
    size_t first = 0;
    if (!destroyed->at || !destroyed->at->function)
        return;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct ledger_slot *slot = candidates->slots[i];
        if (!is_of_its_function(context, destroyed, slot))
            continue;
        memmove(&candidates->slots[first + 1], &candidates->slots[first],
                (i - first) * sizeof(*candidates->slots));
        candidates->slots[first++] = slot;
    }
}

static bool judge(struct find_context *context, struct destroyed *destroyed)
{
    struct candidates candidates;
    bool done = find_candidates(&candidates, context, destroyed->cause);
    if (done && destroyed->direct)
        keep_those_in_frame(context, destroyed, &candidates);
    if (done)
        put_those_of_its_function_first(context, destroyed, &candidates);
    if (done && (candidates.count || destroyed->cause != &unknown_cause))
        done = add(context, destroyed, &candidates);
    free(candidates.slots);
    return done;
}

bool find_joinable_destroyed(struct find_context *context)
{
    struct destroyed destroyed;
    bool done = true;
    for (size_t i = 0; done && i < context->stacks->count; i++)
        if (find_cause(&context->stacks->threads[i], &destroyed))
            done = judge(context, &destroyed);
    return done;
}
