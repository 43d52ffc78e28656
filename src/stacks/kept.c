#include "stacks/kept.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/search.h"
#include "base/text.h"

const struct kept_handle *stacks_find_kept(const struct stacks *stacks, uint64_t handle)
{
    size_t at = stacks ? SEARCH_FIRST(i, stacks->handle_count, stacks->handles[i].handle >= handle) : 0;
    return stacks && at < stacks->handle_count && stacks->handles[at].handle == handle ? &stacks->handles[at]
                                                                                       : NULL;
}

/* ---- before ---- */

/* A handle that was issued again is that of the newer thread: the older one was joined. */
static bool is_wanted(const struct ledger_slot *slot)
{
    unsigned kind = ledger_slot_kind(slot->state);
    return slot->handle && !(slot->state & SLOT_JOINING) && (kind == KIND_RUNNING || kind == KIND_UNJOINED);
}

bool kept_want(struct reach_collector *collector, const struct ledger *ledger)
{
    struct thread_index index;
    if (!thread_index_read(&index, ledger))
        return false;
    uint64_t *handles = calloc(index.count + 1, sizeof(*handles));
    size_t count = 0;
    for (size_t i = 0; handles && i < index.count; i++) {
        const struct ledger_slot *slot = index.by_handle[i];
        if (is_wanted(slot) && (!count || handles[count - 1] != slot->handle))
            handles[count++] = slot->handle;
    }
    bool done = handles && reach_want_handles(collector, handles, count);
    free(handles);
    thread_index_release(&index);
    return done;
}

/* ---- the end of the process ---- */

/* Frames of libc and the shim, at the end of the process, are over those of the program. 0: all are. */
static uint64_t end_of_system(const struct stack *stack, const uint64_t *sps)
{
    size_t i = 0;
    while (i < stack->count && stack_is_of_system(stack->frames[i].module))
        i++;
    return i < stack->count ? sps[i] : 0;
}

void kept_set_end(struct stacks *stacks, const struct snapshot *snapshot, struct unwinder *unwinder,
                  struct reach_collector *collector, pid_t ending)
{
    size_t index = SEARCH_FIRST(i, snapshot->count, snapshot->threads[i].tid >= ending);
    if (!ending || index == snapshot->count || snapshot->threads[index].tid != ending)
        return;
    const struct stack *stack = unwind_thread(unwinder, index);
    const struct shared_stack *shared = stacks->threads[index].stack;
    const uint64_t *sps = stack && !stack->incomplete ? unwind_stack_pointers(unwinder, index) : NULL;
    if (!sps || !shared)
        return;
    uint64_t end = end_of_system(stack, sps);
    reach_set_end(collector, end ? end : UINT64_MAX);
    stacks->main_is_over = ending == snapshot->pid && !innermost_user_frame(shared->frames, shared->count);
}

/* ---- after ---- */

struct place {
    const struct kept_namer *namer;
    const struct reach_handle *handle;
    char thread[64]; /* of `handle` */
    struct frames_of {
        size_t thread;
        const uint64_t *sps; /* NULL: unknown */
    } * frames;              /* of the thread whose stack was read last */
};

/* What libc and the shim keep in their frames is of their caller. */
static const struct code_address *frame_of_program(const struct stack *stack, size_t from)
{
    while (from < stack->count && stack_is_of_system(stack->frames[from].module))
        from++;
    return from < stack->count ? &stack->frames[from] : NULL;
}

static const char *function_at(const struct place *place)
{
    const struct kept_namer *namer = place->namer;
    const struct reach_handle *handle = place->handle;
    const struct stack *stack = unwind_thread(namer->unwinder, handle->thread);
    if (place->frames->thread != handle->thread)
        *place->frames =
            (struct frames_of){handle->thread, unwind_stack_pointers(namer->unwinder, handle->thread)};
    const uint64_t *sps = place->frames->sps;
    if (!stack || !sps || !handle->at)
        return NULL;
    const struct code_address *frame = frame_of_program(stack, unwind_frame_at(stack, sps, handle->at));
    const struct frame_list *list = frame ? symbolize(namer->symbolizer, frame) : NULL;
    return list ? list->frames[list->count - 1].function : NULL;
}

/* Memory that is no object of libc's malloc: variables, shared memory, and that of other allocators. */
static void add_data(struct line *line, const struct place *place)
{
    struct waits *waits = place->namer->waits;
    uint64_t at = place->handle->at;
    const char *variable = at ? wait_variable(waits, at) : NULL;
    if (variable)
        line_add(line, "variable %s", variable);
    else if (at)
        line_add(line, "%s, 0x%" PRIx64, wait_memory(waits, at), at);
    else
        line_add(line, "a variable, or memory of mmap");
}

static void add_frame(struct line *line, const struct place *place)
{
    const char *function = function_at(place);
    if (function)
        line_add(line, "the frame of %s, %s", function, place->thread);
    else
        line_add(line, "the stack of %s", place->thread);
}

static void add_place(struct line *line, const struct place *place)
{
    switch (place->handle->keeper) {
    case REACH_KEPT_DATA:
        add_data(line, place);
        return;
    case REACH_KEPT_HEAP:
        line_add(line, "the heap");
        break;
    case REACH_KEPT_MAPPING:
        line_add(line, "memory of mmap");
        break;
    case REACH_KEPT_STACK:
        add_frame(line, place);
        return;
    case REACH_KEPT_TLS:
        line_add(line, "a thread-local variable of %s", place->thread);
        return;
    case REACH_KEPT_DESCRIPTOR:
        line_add(line, "thread-specific data of %s", place->thread);
        return;
    case REACH_KEPT_REGISTER:
        line_add(line, "a register of %s", place->thread);
        return;
    case REACH_KEPT_KERNEL:
        line_add(line, "the kernel: a pipe, a socket, a queue, epoll or a timer");
        return;
    default:
        return;
    }
    if (place->handle->at)
        line_add(line, ", 0x%llx", (unsigned long long)place->handle->at);
}

/* False: out of memory. */
static bool describe(const struct kept_namer *namer, const struct reach_handle *from,
                     struct frames_of *frames, struct kept_handle *to)
{
    struct place place = {.namer = namer, .handle = from, .frames = frames};
    struct line line = {.length = 0};
    pid_t tid = from->thread < namer->snapshot->count ? namer->snapshot->threads[from->thread].tid : 0;
    if (!thread_names_format(namer->names, tid, place.thread, sizeof(place.thread)))
        snprintf(place.thread, sizeof(place.thread), "tid %d", (int)tid);
    add_place(&line, &place);
    to->where = line_copy(&line);
    const char *function = from->keeper == REACH_KEPT_STACK ? function_at(&place) : NULL;
    to->function = function ? strdup(function) : NULL;
    to->tid = function ? tid : 0;
    return to->where && (to->function || !function);
}

bool kept_fill(struct stacks *stacks, const struct kept_namer *namer, const struct reach_collector *collector)
{
    size_t count;
    const struct reach_handle *handles = reach_handles(collector, &count);
    struct frames_of frames = {.thread = SIZE_MAX};
    stacks->handles = calloc(count + 1, sizeof(*stacks->handles));
    for (size_t i = 0; stacks->handles && stacks->reach.checked && i < count; i++) {
        bool lost = handles[i].keeper == REACH_KEPT_NOWHERE;
        if (!handles[i].known)
            continue;
        struct kept_handle *kept = &stacks->handles[stacks->handle_count++];
        *kept =
            (struct kept_handle){handles[i].handle, lost, lost ? stacks->reach.caveats : 0, NULL, NULL, 0};
        if (!lost && !describe(namer, &handles[i], &frames, kept))
            return false;
    }
    return stacks->handles != NULL;
}
