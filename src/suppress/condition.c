#include "suppress/condition.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "symbolize/symbolize.h"

/* ---- names ----------------------------------------------------------------------------- */

static bool function_matches(const struct part *part, const char *function)
{
    return function && glob_matches_function(part->glob, function);
}

static bool path_matches(const struct part *part, const char *path)
{
    return path && *path && (glob_matches(part->glob, path) || glob_matches(part->glob, path_basename(path)));
}

/* ---- frames ------------------------------------------------------------------------------- */

/* Is this the code of libc that starts a thread or the program? Without symbols of libc, the outermost
 * unnamed frames of a runtime count as that. */
static bool is_start_frame(const struct frame *frame)
{
    static const char *const names[] = {"start_thread",     "clone",    "clone3",
                                        "__clone",          "__clone3", "_start",
                                        "__clone_internal", "_start_c", "_dl_start_user"};
    if (!frame->function)
        return frame->runtime && !frame->framework;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(frame->function, names[i]) == 0)
            return true;
    return text_begins_with(frame->function, "__libc_start_");
}

static size_t without_start(const struct frame *frames, size_t count)
{
    size_t kept = count;
    while (kept > 0 && is_start_frame(&frames[kept - 1]))
        kept--;
    return kept;
}

/* "libx.so.1+0x1f0", as in reports. */
static bool place_matches(const struct part *part, const struct frame *frame)
{
    char place[600];
    if (!frame->module)
        return false;
    snprintf(place, sizeof(place), "%.500s+0x%llx", path_basename(frame->module),
             (unsigned long long)frame->offset);
    return glob_matches(part->glob, place);
}

/* ---- of a site -------------------------------------------------------------------------------- */

/* The place of an unnamed frame matches only a pattern with "+0x": "add" must not match …+0x1add. */
static bool frame_matches(const struct part *part, const struct frame *frame)
{
    return function_matches(part, frame->function) || path_matches(part, frame->file) ||
           path_matches(part, frame->module) ||
           (!frame->function && strstr(part->glob, "+0x") && place_matches(part, frame));
}

static bool module_is(const struct part *part, const struct frame *frame)
{
    return path_matches(part, frame->module);
}

static bool any_of_creation(const struct part *part, const struct suppression_site *site,
                            bool (*is)(const struct part *, const struct frame *))
{
    size_t count = without_start(site->stack, site->stack_count);
    for (size_t i = 0; i < count; i++)
        if (is(part, &site->stack[i]))
            return true;
    return site->start && is(part, site->start);
}

static bool creation_matches(const struct part *part, const struct suppression_site *site)
{
    return any_of_creation(part, site, frame_matches);
}

static bool module_matches(const struct part *part, const struct suppression_site *site)
{
    return any_of_creation(part, site, module_is);
}

static bool start_is(const struct part *part, const struct frame *start)
{
    return start && (function_matches(part, start->function) || place_matches(part, start));
}

/* Only the current stack of a thread shows what a runtime's start routine calls. */
static bool start_may_match(const struct part *part, const struct suppression_site *site)
{
    return start_is(part, site->start) || (site->start && site->start->runtime);
}

static bool kind_matches(const struct part *part, const struct suppression_site *site)
{
    return part->bits & site->kind;
}

static bool process_matches(const struct part *part, const struct suppression_site *site)
{
    return path_matches(part, site->process) || path_matches(part, site->called);
}

static bool test_matches(const struct part *part, const struct suppression_site *site)
{
    return (site->test && *site->test && glob_matches(part->glob, site->test)) ||
           (site->ran && *site->ran && glob_matches(part->glob, site->ran));
}

/* ---- of a current stack -------------------------------------------------------------------------- */

static bool any_is(const struct part *part, const struct suppression_thread *thread)
{
    size_t count = without_start(thread->current, thread->current_count);
    for (size_t i = 0; i < count; i++)
        if (function_matches(part, thread->current[i].function))
            return true;
    return false;
}

static const struct frame *first_above_runtime(const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!frames[i].runtime || frames[i].framework)
            return &frames[i];
    return NULL;
}

/* The frame before the first user frame matches, too: it is the first line of a report. So
 * "top:^uv_cond_wait$" matches an idle worker of libuv, but not one that is in a function of the user. */
static bool top_is(const struct part *part, const struct suppression_thread *thread)
{
    const struct frame *frames = thread->current;
    const struct frame *user = innermost_user_frame(frames, thread->current_count);
    if (thread->current_count && function_matches(part, frames[0].function))
        return true;
    const struct frame *above = first_above_runtime(frames, thread->current_count);
    if (above && function_matches(part, above->function))
        return true;
    return user && (function_matches(part, user->function) ||
                    (user != frames && function_matches(part, user[-1].function)));
}

/* The function that a runtime's start routine called. The routine itself (std::thread's, Rust's) identifies
 * no thread. */
static bool called_is(const struct part *part, const struct suppression_thread *thread)
{
    const struct frame *called = outermost_user_frame(thread->current, thread->current_count);
    return called && function_matches(part, called->function);
}
/* ---- results that are remembered --------------------------------------------------- */

/* Powers of two. */
enum { MIN_MEMOS = 4096, MAX_MEMOS = 1 << 18 };

struct memo {
    const struct part *part;
    const struct frame *frames;
    bool matches;
};

/* It is also called after each failed allocation. */
static size_t next_slots(size_t slots)
{
    if (slots >= MAX_MEMOS)
        return MAX_MEMOS;
    return slots ? slots * 4 : MIN_MEMOS;
}

/* Where the result for these frames is or will be remembered; NULL without memory. A table in which an
 * eighth of the slots was replaced is too small. */
static struct memo *memo_of(struct conditions *conditions, const struct part *part,
                            const struct frame *frames)
{
    if (!conditions->memos ||
        (conditions->replaced >= conditions->memo_slots / 8 && conditions->memo_slots < MAX_MEMOS)) {
        free(conditions->memos);
        conditions->memo_slots = next_slots(conditions->memo_slots);
        conditions->replaced = 0;
        conditions->memos = calloc(conditions->memo_slots, sizeof(*conditions->memos));
    }
    uintptr_t hash = ((uintptr_t)part / 16 * 31 + (uintptr_t)frames / 16) * 0x9e3779b1u;
    return conditions->memos ? &conditions->memos[(hash >> 12) & (conditions->memo_slots - 1)] : NULL;
}

static bool current_matches(struct conditions *conditions, const struct part *part,
                            const struct suppression_thread *thread,
                            bool (*matches)(const struct part *, const struct suppression_thread *))
{
    if (!thread->current)
        return false;
    struct memo *memo = memo_of(conditions, part, thread->current);
    if (!memo)
        return matches(part, thread);
    if (memo->part != part || memo->frames != thread->current) {
        conditions->replaced += memo->part != NULL;
        *memo = (struct memo){part, thread->current, matches(part, thread)};
    }
    return memo->matches;
}

/* ---- of a thread ---------------------------------------------------------------------------------- */

static bool name_matches(struct conditions *conditions, const struct part *part,
                         const struct suppression_thread *thread)
{
    (void)conditions;
    return thread->name && *thread->name && glob_matches(part->glob, thread->name);
}

static bool wait_matches(struct conditions *conditions, const struct part *part,
                         const struct suppression_thread *thread)
{
    (void)conditions;
    return part->bits & (1u << thread->waiting); /* that of WAIT_NONE is never set */
}

static bool finding_matches(struct conditions *conditions, const struct part *part,
                            const struct suppression_thread *thread)
{
    (void)conditions;
    return part->bits & thread->findings;
}

static bool top_matches(struct conditions *conditions, const struct part *part,
                        const struct suppression_thread *thread)
{
    return current_matches(conditions, part, thread, top_is);
}

static bool any_matches(struct conditions *conditions, const struct part *part,
                        const struct suppression_thread *thread)
{
    return current_matches(conditions, part, thread, any_is);
}

static bool start_matches(struct conditions *conditions, const struct part *part,
                          const struct suppression_thread *thread)
{
    return start_is(part, conditions->site.start) ||
           (thread->current_whole && current_matches(conditions, part, thread, called_is));
}

void conditions_release(struct conditions *conditions)
{
    free(conditions->memos);
}

/* ---- parts ---------------------------------------------------------------------------------------- */

static const struct {
    bool (*of_site)(const struct part *, const struct suppression_site *);
    bool (*of_thread)(struct conditions *, const struct part *, const struct suppression_thread *);
} matches[PART_TYPES] = {
#define RULE_TYPE(id, name, flags, longest, parse, of_site, of_thread, help) \
    [PART_##id] = {of_site, of_thread},
#include "suppress/types.def"
};

bool part_matches_site(const struct part *part, const struct suppression_site *site)
{
    return !matches[part->type].of_site || matches[part->type].of_site(part, site);
}

bool part_matches_thread(struct conditions *conditions, const struct part *part,
                         const struct suppression_thread *thread)
{
    return !matches[part->type].of_thread || matches[part->type].of_thread(conditions, part, thread);
}
