/* Which rule a thread is ignored by. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "suppress/rule.h"
#include "symbolize/symbolize.h"

#define MEMO_SLOTS 4096 /* a power of two */

/* What a part says of a current stack; one that falls on another's slot takes it. */
struct memo {
    const struct part *part;
    const struct frame *frames;
    bool matches;
};

struct suppression_matcher {
    const struct suppressions *suppressions;
    struct suppression_site site;
    struct rule **candidates; /* of the site: what they say of the site is, or may be, true */
    size_t candidate_count;
    struct memo *memos; /* NULL: not needed yet, or no memory */
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

/* Where libc starts a thread or the program.  Without its symbols they have no name:
 * then what is of a runtime, has none and stands outermost is taken for them. */
static bool is_start_frame(const struct frame *frame)
{
    static const char *const names[] = {"start_thread",     "clone",    "clone3",
                                        "__clone",          "__clone3", "_start",
                                        "__clone_internal", "_start_c", "_dl_start_user"};
    if (!frame->function)
        return frame->runtime;
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

/* "libx.so.1+0x1f0", as reports show it. */
static bool place_matches(const struct part *part, const struct frame *frame)
{
    char place[600];
    if (!frame->module)
        return false;
    snprintf(place, sizeof(place), "%.500s+0x%llx", path_basename(frame->module),
             (unsigned long long)frame->offset);
    return glob_matches(part->glob, place);
}

/* A frame without a name by its place, where the rule speaks of one: "add" is not meant for …+0x1add. */
static bool nameless_matches(const struct part *part, const struct frame *frame)
{
    return part->type == PART_THREAD && !frame->function && strstr(part->glob, "+0x") &&
           place_matches(part, frame);
}

static bool frame_matches(const struct part *part, const struct frame *frame)
{
    return part->type == PART_MODULE
               ? path_matches(part, frame->module)
               : function_matches(part, frame->function) || path_matches(part, frame->file) ||
                     path_matches(part, frame->module) || nameless_matches(part, frame);
}

static bool site_frames_match(const struct part *part, const struct suppression_site *site)
{
    size_t count = without_start(site->stack, site->stack_count);
    for (size_t i = 0; i < count; i++)
        if (frame_matches(part, &site->stack[i]))
            return true;
    return site->start && frame_matches(part, site->start);
}

static bool start_matches(const struct part *part, const struct frame *start)
{
    return start && (function_matches(part, start->function) || place_matches(part, start));
}

static bool any_matches(const struct part *part, const struct frame *frames, size_t count)
{
    count = without_start(frames, count);
    for (size_t i = 0; i < count; i++)
        if (function_matches(part, frames[i].function))
            return true;
    return false;
}

/* report_present.c's first line is the one before the user's own first frame. */
static bool top_matches(const struct part *part, const struct frame *frames, size_t count)
{
    size_t own = 0;
    if (count && function_matches(part, frames[0].function))
        return true;
    while (own < count && frames[own].runtime)
        own++;
    if (own == count)
        return false;
    return function_matches(part, frames[own].function) ||
           (own && function_matches(part, frames[own - 1].function));
}

/* What a runtime's start routine called: std::thread's or Rust's says nothing of it. */
static bool callable_matches(const struct part *part, const struct suppression_thread *thread)
{
    const struct frame *called = outermost_user_frame(thread->current, thread->current_count);
    return called && function_matches(part, called->function);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static bool is_of_site(const struct part *part)
{
    switch (part->type) {
    case PART_NAME:
    case PART_TOP:
    case PART_ANY:
    case PART_WAITING:
        return false;
    default:
        return true;
    }
}

static bool site_matches(const struct part *part, const struct suppression_site *site)
{
    switch (part->type) {
    case PART_THREAD:
    case PART_MODULE:
        return site_frames_match(part, site);
    case PART_START: /* a runtime's: what it calls is the thread's to know */
        return start_matches(part, site->start) || (site->start && site->start->runtime);
    case PART_KIND:
        return part->bits & site->kind;
    case PART_PROCESS:
        return path_matches(part, site->process) || path_matches(part, site->called);
    default:
        return true;
    }
}

static bool current_matches(const struct part *part, const struct suppression_thread *thread)
{
    if (part->type == PART_START)
        return callable_matches(part, thread);
    return part->type == PART_TOP ? top_matches(part, thread->current, thread->current_count)
                                  : any_matches(part, thread->current, thread->current_count);
}

static bool current_matches_once(struct suppression_matcher *matcher, const struct part *part,
                                 const struct suppression_thread *thread)
{
    if (!thread->current)
        return false;
    if (!matcher->memos)
        matcher->memos = calloc(MEMO_SLOTS, sizeof(*matcher->memos));
    if (!matcher->memos)
        return current_matches(part, thread);
    uintptr_t hash = ((uintptr_t)part / 16 * 31 + (uintptr_t)thread->current / 16) * 0x9e3779b1u;
    struct memo *memo = &matcher->memos[(hash >> 12) & (MEMO_SLOTS - 1)];
    if (memo->part != part || memo->frames != thread->current)
        *memo = (struct memo){part, thread->current, current_matches(part, thread)};
    return memo->matches;
}

static bool thread_matches(struct suppression_matcher *matcher, const struct part *part,
                           const struct suppression_thread *thread)
{
    switch (part->type) {
    case PART_NAME:
        return thread->name && *thread->name && glob_matches(part->glob, thread->name);
    case PART_WAITING:
        return part->bits & (1u << thread->waiting); /* that of WAIT_NONE is never set */
    case PART_TOP:
    case PART_ANY:
        return current_matches_once(matcher, part, thread);
    case PART_START:
        return start_matches(part, matcher->site.start) ||
               (thread->current_whole && current_matches_once(matcher, part, thread));
    default:
        return true;
    }
}

/* ---- rules ------------------------------------------------------------------------------------ */

static bool rule_fits_site(const struct rule *rule, const struct suppression_site *site)
{
    for (size_t i = 0; i < rule->part_count; i++)
        if (is_of_site(&rule->parts[i]) && !site_matches(&rule->parts[i], site))
            return false;
    return true;
}

static bool rule_fits_thread(struct suppression_matcher *matcher, const struct rule *rule,
                             const struct suppression_thread *thread)
{
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

static bool is_of_creation(const struct part *part)
{
    return part->type == PART_THREAD || part->type == PART_MODULE;
}

/* But for what it says of the creation stack. */
static bool rest_fits(struct suppression_matcher *matcher, const struct rule *rule,
                      const struct suppression_thread *thread)
{
    bool any = false;
    for (size_t i = 0; i < rule->part_count; i++) {
        const struct part *part = &rule->parts[i];
        if (is_of_creation(part))
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
