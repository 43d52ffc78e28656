#include "leak/generate_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"
#include "suppress/suppress.h"
#include "base/escape.h"

#define PATTERN_MAX 200 /* bytes of a name; what is longer ends in a star */
#define RULE_MAX 3000   /* no more conditions then */
#define CONDITIONS_MAX 8

/* A rule on its way. */
struct draft {
    const struct report *report;
    const struct process_report *process;
    const struct leak_group *group;
    char text[RULE_MAX + 2 * PATTERN_MAX]; /* without its kind */
    size_t conditions;
};

/* ---- names as patterns ------------------------------------------------------------------ */

/* "word:" and no second colon: it would begin a condition. */
static bool is_type(const char *at)
{
    const char *colon = at;
    while (isalpha((unsigned char)*colon) || *colon == '_' || *colon == '-')
        colon++;
    return colon > at && *colon == ':' && colon[1] != ':';
}

static bool needs_star(const char *name, const char *at)
{
    unsigned char c = (unsigned char)*at;
    if (c < ' ' || c == 0x7f || c == '^' || c == '$')
        return true;
    if (c == ' ')
        return at == name || !at[1] || at[1] == '#' || is_type(at + 1);
    return at == name && is_type(at);
}

/* "^name$", with stars for what would mean something else, or is no text; false: nothing
 * but stars is left. */
static bool make_pattern(char pattern[PATTERN_MAX + 4], const char *name)
{
    size_t used = 0;
    bool any = false;
    const char *at = name;
    pattern[used++] = '^';
    while (*at && used < PATTERN_MAX - 4) {
        size_t length = character_length(at);
        if (length == 0 || needs_star(name, at)) {
            pattern[used++] = '*';
            at++;
            continue;
        }
        any |= *at != '*';
        memcpy(pattern + used, at, length);
        used += length;
        at += length;
    }
    pattern[used++] = *at ? '*' : '$';
    pattern[used] = '\0';
    return any;
}

/* ---- parts ---------------------------------------------------------------------------------- */

/* False: there is nothing of that name, it stands there already, or there is no room. */
static bool add(struct draft *draft, const char *type, const char *name)
{
    char pattern[PATTERN_MAX + 4], part[PATTERN_MAX + 20];
    if (!name || !make_pattern(pattern, name))
        return false;
    snprintf(part, sizeof(part), "%s:%s", type, pattern);
    size_t used = strlen(draft->text);
    if (strstr(draft->text, part) || used + strlen(part) > RULE_MAX || draft->conditions == CONDITIONS_MAX)
        return false;
    snprintf(draft->text + used, sizeof(draft->text) - used, "%s%s", used ? " " : "", part);
    draft->conditions++;
    return true;
}

/* By its name: not std::thread::_M_start_thread(std::unique_ptr<…>), whose arguments are templates. */
static bool is_template(const char *function)
{
    const char *bracket = strchr(function, '<');
    return bracket && !memchr(function, '(', (size_t)(bracket - function));
}

/*
 * A start routine of a runtime that has no name says nothing of this thread, but the
 * template that was called does: std::thread::thread<void (&)()>, std::async<…>.
 */
static bool add_template(struct draft *draft)
{
    const struct leak_group *group = draft->group;
    const struct frame *nearest = NULL;
    for (size_t i = 0; i < group->stack_count && &group->stack[i] != group->user_frame; i++)
        if (group->stack[i].function && is_template(group->stack[i].function))
            nearest = &group->stack[i];
    return nearest && add(draft, "thread", nearest->function);
}

/* As reports show what has no name; until the next build. */
static bool add_place(struct draft *draft, const char *type, const struct frame *frame)
{
    char place[PATTERN_MAX];
    if (!frame->module)
        return false;
    int length = snprintf(place, sizeof(place), "%s+0x%llx", path_basename(frame->module),
                          (unsigned long long)frame->offset);
    return length < (int)sizeof(place) && add(draft, type, place);
}

static bool add_start(struct draft *draft)
{
    const struct frame *start = draft->group->start_routine;
    if (!start || (!start->function && !start->module))
        return false;
    if (start->function)
        return add(draft, "start", start->function);
    if (start->runtime)
        return add_template(draft);
    return add_place(draft, "start", start);
}

/* All of a module, where nothing narrower is known. */
static bool add_module(struct draft *draft)
{
    const struct frame *own = draft->group->user_frame;
    return own && own->module && add(draft, "module", path_basename(own->module));
}

static const char *common_name(const struct leak_group *group)
{
    for (size_t i = 1; i < group->thread_count; i++)
        if (strcmp(group->threads[i].name, group->threads[0].name) != 0)
            return NULL;
    return *group->threads[0].name ? group->threads[0].name : NULL;
}

/* ---- which groups it matches -------------------------------------------------------------------- */

static bool matches(struct suppression_matcher *matcher, const struct process_report *process,
                    const struct leak_group *group)
{
    suppression_matcher_site(matcher, &(struct suppression_site){.stack = group->stack,
                                                                 .stack_count = group->stack_count,
                                                                 .start = group->start_routine,
                                                                 .kind = leak_kind_bit(group->kind),
                                                                 .process = process->exe});
    for (size_t i = 0; i < group->thread_count; i++)
        if (suppression_matcher_find(matcher, &(struct suppression_thread){.name = group->threads[i].name}))
            return true;
    return false;
}

static bool matches_others(const struct draft *draft, struct suppression_matcher *matcher)
{
    for (size_t p = 0; p < draft->report->process_count; p++) {
        const struct process_report *process = &draft->report->processes[p];
        for (size_t i = 0; i < process->group_count; i++)
            if (strcmp(process->groups[i].fingerprint, draft->group->fingerprint) != 0 &&
                matches(matcher, process, &process->groups[i]))
                return true;
    }
    return false;
}

static void finish(const struct draft *draft, char *rule, size_t size)
{
    snprintf(rule, size, "%s kind:%s", draft->text, leak_kind_name(draft->group->kind));
}

enum verdict { MATCHES_NOT, MATCHES_ALONE, MATCHES_MORE };

/* By the very code that will read it. */
static enum verdict try_out(const struct draft *draft)
{
    char rule[sizeof(draft->text) + 32];
    struct error error;
    enum verdict verdict = MATCHES_NOT;
    struct suppressions *suppressions = suppressions_new();
    finish(draft, rule, sizeof(rule));
    struct suppression_matcher *matcher = NULL;
    if (draft->conditions && suppressions && suppressions_load_text(suppressions, rule, "", &error))
        matcher = suppression_matcher_new(suppressions);
    if (matcher && matches(matcher, draft->process, draft->group))
        verdict = matches_others(draft, matcher) ? MATCHES_MORE : MATCHES_ALONE;
    suppression_matcher_free(matcher);
    suppressions_free(suppressions);
    return verdict;
}

/* ---- a rule ------------------------------------------------------------------------------------- */

/* The user's own callers tell one way to the same place from another: first those that have names. */
static enum verdict add_callers(struct draft *draft, enum verdict verdict)
{
    const struct leak_group *group = draft->group;
    for (int named = 1; named >= 0; named--)
        for (size_t i = 0; i < group->stack_count && verdict == MATCHES_MORE; i++) {
            const struct frame *frame = &group->stack[i];
            if (frame->runtime || (frame->function != NULL) != named)
                continue;
            if (named ? add(draft, "thread", frame->function) : add_place(draft, "thread", frame))
                verdict = try_out(draft);
        }
    return verdict;
}

/* The user's own function that is nearest to the thread's creation: an offset of a library without symbols
 * may be where it makes all its threads. */
static const struct frame *nearest_named(const struct leak_group *group)
{
    for (size_t i = 0; i < group->stack_count; i++)
        if (!group->stack[i].runtime && group->stack[i].function)
            return &group->stack[i];
    return NULL;
}

/* Else the rule is of offsets and a runtime's functions, which all threads of that language share. */
static bool names_own_code(const struct leak_group *group)
{
    const struct frame *start = group->start_routine;
    return nearest_named(group) || (start && start->function && !start->runtime);
}

/* By the place alone, and in this program alone. */
static void add_nameless(struct draft *draft)
{
    if (draft->group->user_frame)
        add_place(draft, "thread", draft->group->user_frame);
    add_start(draft);
    if (!draft->conditions)
        add(draft, "name", common_name(draft->group));
    if (draft->conditions && draft->process->exe)
        add(draft, "process", path_basename(draft->process->exe));
}

static void add_named(struct draft *draft)
{
    const struct frame *nearest = nearest_named(draft->group);
    if (nearest)
        add(draft, "thread", nearest->function);
    if (!add_start(draft) && !draft->conditions)
        add_module(draft);
    if (!draft->conditions)
        add(draft, "name", common_name(draft->group));
}

static enum verdict make_rule(struct draft *draft)
{
    const struct leak_group *group = draft->group;
    if (names_own_code(group))
        add_named(draft);
    else
        add_nameless(draft);
    enum verdict verdict = add_callers(draft, try_out(draft));
    if (verdict == MATCHES_MORE && draft->process->exe &&
        add(draft, "process", path_basename(draft->process->exe)))
        verdict = try_out(draft);
    if (verdict == MATCHES_MORE && add(draft, "name", common_name(group)))
        verdict = try_out(draft);
    return verdict;
}

struct printed {
    char **rules;
    size_t count;
};

static bool is_printed(const struct printed *printed, const char *rule)
{
    for (size_t i = 0; i < printed->count; i++)
        if (strcmp(printed->rules[i], rule) == 0)
            return true;
    return false;
}

static bool print_rule(FILE *out, struct draft *draft, struct printed *printed)
{
    char rule[sizeof(draft->text) + 32];
    enum verdict verdict = make_rule(draft);
    finish(draft, rule, sizeof(rule));
    if (verdict != MATCHES_NOT && is_printed(printed, rule))
        return true;
    fprintf(out, "# %zu %s of ", draft->group->thread_count, leak_kind_name(draft->group->kind));
    put_escaped(out, command_name(draft->process));
    if (verdict == MATCHES_NOT) {
        fputs(": nothing is known of it that a rule could name\n", out);
        return true;
    }
    if (verdict == MATCHES_MORE)
        fputs(" (and others that no name tells from it)", out);
    else if (!names_own_code(draft->group))
        fputs(" (until the next build: what created it has no name)", out);
    fputc('\n', out);
    fprintf(out, "%s\n", rule);
    return ARRAY_GROW(printed->rules, printed->count) &&
           (printed->rules[printed->count++] = strdup(rule)) != NULL;
}

bool report_rules_print(FILE *out, const struct report *report)
{
    struct printed printed = {0};
    bool done = true;
    for (size_t p = 0; p < report->process_count; p++) {
        const struct process_report *process = &report->processes[p];
        for (size_t i = 0; i < process->group_count && done; i++) {
            struct draft draft = {.report = report, .process = process, .group = &process->groups[i]};
            if (draft.group->counted)
                done = print_rule(out, &draft, &printed);
        }
    }
    for (size_t i = 0; i < printed.count; i++)
        free(printed.rules[i]);
    free(printed.rules);
    if (!done)
        errno = ENOMEM;
    return done && fflush(out) == 0 && !ferror(out);
}
