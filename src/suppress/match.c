/* Which rule matches a thread. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "suppress/rule.h"
#include "symbolize/symbolize.h"

/* Powers of two. */
enum { MIN_MEMOS = 4096, MAX_MEMOS = 1 << 18 };

/* Cache of which parts match which stacks. A new entry replaces the one in its slot. */
struct memo {
    const struct part *part;
    const struct frame *frames;
    bool matches;
};

struct suppression_matcher {
    const struct suppressions *suppressions;
    struct suppression_site site;
    struct rule **candidates; /* rules whose parts match the site, or may match */
    size_t candidate_count;
    struct memo *memos;          /* NULL: not needed yet, or no memory */
    size_t memo_slots, replaced; /* replaced: memos that another one took the slot of */
};

struct suppression_matcher *suppression_matcher_new(const struct suppressions *suppressions)
{
    struct suppression_matcher *matcher = calloc(1, sizeof(*matcher));
    if (!matcher)
        return NULL;
    matcher->suppressions = suppressions;
    matcher->candidates = calloc(suppressions_rule_count(suppressions) + 1, sizeof(*matcher->candidates));
    if (matcher->candidates)
        return matcher;
    free(matcher);
    return NULL;
}

void suppression_matcher_free(struct suppression_matcher *matcher)
{
    if (!matcher)
        return;
    free(matcher->candidates);
    free(matcher->memos);
    free(matcher);
}

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

/* It is also called after each failed allocation. */
static size_t next_slots(size_t slots)
{
    if (slots >= MAX_MEMOS)
        return MAX_MEMOS;
    return slots ? slots * 4 : MIN_MEMOS;
}

/* Where the result for these frames is or will be remembered; NULL without memory. A table in which an
 * eighth of the slots was replaced is too small. */
static struct memo *memo_of(struct suppression_matcher *matcher, const struct part *part,
                            const struct frame *frames)
{
    if (!matcher->memos ||
        (matcher->replaced >= matcher->memo_slots / 8 && matcher->memo_slots < MAX_MEMOS)) {
        free(matcher->memos);
        matcher->memo_slots = next_slots(matcher->memo_slots);
        matcher->replaced = 0;
        matcher->memos = calloc(matcher->memo_slots, sizeof(*matcher->memos));
    }
    uintptr_t hash = ((uintptr_t)part / 16 * 31 + (uintptr_t)frames / 16) * 0x9e3779b1u;
    return matcher->memos ? &matcher->memos[(hash >> 12) & (matcher->memo_slots - 1)] : NULL;
}

static bool current_matches(struct suppression_matcher *matcher, const struct part *part,
                            const struct suppression_thread *thread,
                            bool (*matches)(const struct part *, const struct suppression_thread *))
{
    if (!thread->current)
        return false;
    struct memo *memo = memo_of(matcher, part, thread->current);
    if (!memo)
        return matches(part, thread);
    if (memo->part != part || memo->frames != thread->current) {
        matcher->replaced += memo->part != NULL;
        *memo = (struct memo){part, thread->current, matches(part, thread)};
    }
    return memo->matches;
}

/* ---- of a thread ---------------------------------------------------------------------------------- */

static bool name_matches(struct suppression_matcher *matcher, const struct part *part,
                         const struct suppression_thread *thread)
{
    (void)matcher;
    return thread->name && *thread->name && glob_matches(part->glob, thread->name);
}

static bool wait_matches(struct suppression_matcher *matcher, const struct part *part,
                         const struct suppression_thread *thread)
{
    (void)matcher;
    return part->bits & (1u << thread->waiting); /* that of WAIT_NONE is never set */
}

static bool finding_matches(struct suppression_matcher *matcher, const struct part *part,
                            const struct suppression_thread *thread)
{
    (void)matcher;
    return part->bits & thread->findings;
}

static bool top_matches(struct suppression_matcher *matcher, const struct part *part,
                        const struct suppression_thread *thread)
{
    return current_matches(matcher, part, thread, top_is);
}

static bool any_matches(struct suppression_matcher *matcher, const struct part *part,
                        const struct suppression_thread *thread)
{
    return current_matches(matcher, part, thread, any_is);
}

static bool start_matches(struct suppression_matcher *matcher, const struct part *part,
                          const struct suppression_thread *thread)
{
    return start_is(part, matcher->site.start) ||
           (thread->current_whole && current_matches(matcher, part, thread, called_is));
}

/* ---- parts ---------------------------------------------------------------------------------------- */

static const struct {
    bool (*of_site)(const struct part *, const struct suppression_site *);
    bool (*of_thread)(struct suppression_matcher *, const struct part *, const struct suppression_thread *);
} matches[PART_TYPES] = {
#define RULE_TYPE(id, name, flags, longest, parse, of_site, of_thread, help) \
    [PART_##id] = {of_site, of_thread},
#include "suppress/types.def"
};

static bool site_matches(const struct part *part, const struct suppression_site *site)
{
    return !matches[part->type].of_site || matches[part->type].of_site(part, site);
}

static bool thread_matches(struct suppression_matcher *matcher, const struct part *part,
                           const struct suppression_thread *thread)
{
    return !matches[part->type].of_thread || matches[part->type].of_thread(matcher, part, thread);
}

/* ---- rules ------------------------------------------------------------------------------------ */

static bool rule_fits_site(const struct rule *rule, const struct suppression_site *site)
{
    for (size_t i = 0; i < rule->part_count; i++)
        if (!site_matches(&rule->parts[i], site))
            return false;
    return true;
}

static bool names_finding(const struct rule *rule)
{
    for (size_t i = 0; i < rule->part_count; i++)
        if (rule->parts[i].type == PART_FINDING)
            return true;
    return false;
}

bool suppressions_name_findings(const struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions_rule_count(suppressions); i++)
        if (names_finding(suppressions->rules[i]))
            return true;
    return false;
}

static bool rule_fits_thread(struct suppression_matcher *matcher, const struct rule *rule,
                             const struct suppression_thread *thread)
{
    if (thread->finding_alone && !names_finding(rule))
        return false;
    for (size_t i = 0; i < rule->part_count; i++)
        if (!thread_matches(matcher, &rule->parts[i], thread))
            return false;
    return true;
}

void suppression_matcher_site(struct suppression_matcher *matcher, const struct suppression_site *site)
{
    matcher->candidate_count = 0;
    matcher->site = *site;
    for (size_t i = 0; i < suppressions_rule_count(matcher->suppressions); i++)
        if (rule_fits_site(matcher->suppressions->rules[i], site))
            matcher->candidates[matcher->candidate_count++] = matcher->suppressions->rules[i];
}

const struct suppression_rule *suppression_matcher_find(struct suppression_matcher *matcher,
                                                        const struct suppression_thread *thread)
{
    for (size_t i = 0; i < matcher->candidate_count; i++)
        if (rule_fits_thread(matcher, matcher->candidates[i], thread))
            return &matcher->candidates[i]->shown;
    return NULL;
}

/* Do all parts match, except those of the creation stack? */
static bool rest_fits(struct suppression_matcher *matcher, const struct rule *rule,
                      const struct suppression_thread *thread)
{
    bool any = false;
    for (size_t i = 0; i < rule->part_count; i++) {
        const struct part *part = &rule->parts[i];
        if (rule_types[part->type].flags & TYPE_CREATION)
            any = true;
        else if (!site_matches(part, &matcher->site) || !thread_matches(matcher, part, thread))
            return false;
    }
    return any;
}

bool suppression_matcher_may_find_deeper(struct suppression_matcher *matcher,
                                         const struct suppression_thread *thread)
{
    for (size_t i = 0; i < suppressions_rule_count(matcher->suppressions); i++)
        if (matcher->suppressions->rules[i]->shown.source != SUPPRESSION_BUILT_IN &&
            rest_fits(matcher, matcher->suppressions->rules[i], thread))
            return true;
    return false;
}
