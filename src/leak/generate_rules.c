#include "leak/generate_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "leak/rule_draft.h"
#include "base/array.h"
#include "base/path.h"
#include "suppress/suppress.h"
#include "base/escape.h"

/* ---- parts ---------------------------------------------------------------------------------- */

/* Checks the name only: the arguments of std::thread::_M_start_thread(std::unique_ptr<…>) are templates,
 * too. */
static bool is_template(const char *function)
{
    const char *bracket = strchr(function, '<');
    return bracket && !memchr(function, '(', (size_t)(bracket - function));
}

/* A runtime's start routine without a name does not identify the thread. The called template does:
 * std::thread::thread<void (&)()>, std::async<…>. */
static bool add_template(struct draft *draft)
{
    const struct leak_group *group = draft->group;
    const struct frame *nearest = NULL;
    for (size_t i = 0; i < group->stack_count && &group->stack[i] != group->user_frame; i++)
        if (group->stack[i].function && is_template(group->stack[i].function))
            nearest = &group->stack[i];
    return nearest && draft_add(draft, "thread", nearest->function);
}

static bool add_start(struct draft *draft)
{
    const struct frame *start = draft->group->start_routine;
    if (!start || (!start->function && !start->module))
        return false;
    if (start->function)
        return draft_add(draft, "start", start->function);
    if (start->runtime && !start->framework)
        return add_template(draft);
    return draft_add_place(draft, "start", start);
}

/* Matches the whole module, if nothing narrower is known. */
static bool add_module(struct draft *draft)
{
    const struct frame *frame = draft->group->user_frame;
    return frame && frame->module && draft_add(draft, "module", path_basename(frame->module));
}

static const char *common_name(const struct leak_group *group)
{
    for (size_t i = 1; i < group->thread_count; i++)
        if (strcmp(group->threads[i].name, group->threads[0].name) != 0)
            return NULL;
    return *group->threads[0].name ? group->threads[0].name : NULL;
}

/* ---- matching ----------------------------------------------------------------------------------- */

static bool matches(struct suppression_matcher *matcher, const struct process_report *process,
                    const struct leak_group *group)
{
    suppression_matcher_site(matcher, &(struct suppression_site){.stack = group->stack,
                                                                 .stack_count = group->stack_count,
                                                                 .start = group->start_routine,
                                                                 .kind = leak_kind_bit(group->kind),
                                                                 .process = process->exe});
    for (size_t i = 0; i < group->thread_count; i++)
        if (suppression_matcher_find(
                matcher, &(struct suppression_thread){.name = group->threads[i].name, .findings = FIND_ALL}))
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

/* Timing decides whether a joinable thread has ended when it is judged. */
static void finish(const struct draft *draft, char *rule, size_t size)
{
    const char *kind = draft->group->kind == LEAK_DETACHED ? "detached" : "running,unjoined";
    const char *finding = draft->finding ? finding_name(draft->finding->code) : NULL;
    snprintf(rule, size, "%s%s%s kind:%s", draft->text, finding ? " finding:" : "", finding ? finding : "",
             kind);
}

enum match { MATCHES_NOT, MATCHES_ALONE, MATCHES_MORE };

/* Uses the code that will read the rule. */
static enum match try_out(const struct draft *draft)
{
    char rule[sizeof(draft->text) + 64];
    struct error error;
    enum match match = MATCHES_NOT;
    struct suppressions *suppressions = suppressions_new();
    finish(draft, rule, sizeof(rule));
    struct suppression_matcher *matcher = NULL;
    if (draft->conditions && suppressions && suppressions_load_text(suppressions, rule, "", &error))
        matcher = suppression_matcher_new(suppressions);
    if (matcher && matches(matcher, draft->process, draft->group))
        match = matches_others(draft, matcher) ? MATCHES_MORE : MATCHES_ALONE;
    suppression_matcher_free(matcher);
    suppressions_free(suppressions);
    return match;
}

/* ---- a rule ------------------------------------------------------------------------------------- */

/* Outer user frames distinguish paths to the same place. Those with names come first. */
static enum match add_callers(struct draft *draft, enum match match)
{
    const struct leak_group *group = draft->group;
    for (int named = 1; named >= 0; named--)
        for (size_t i = 0; i < group->stack_count && match == MATCHES_MORE; i++) {
            const struct frame *frame = &group->stack[i];
            if (frame->runtime || (frame->function != NULL) != named)
                continue;
            if (named ? draft_add(draft, "thread", frame->function) : draft_add_place(draft, "thread", frame))
                match = try_out(draft);
        }
    return match;
}

/* The innermost user frame with a name. A library without symbols may create all its threads at one
 * offset. */
static const struct frame *nearest_named(const struct leak_group *group)
{
    for (size_t i = 0; i < group->stack_count; i++)
        if (!group->stack[i].runtime && group->stack[i].function)
            return &group->stack[i];
    return NULL;
}

/* False: a rule could only name offsets, and functions of a runtime that all threads of that language
 * share. */
static bool names_user_code(const struct leak_group *group)
{
    const struct frame *start = group->start_routine;
    return nearest_named(group) || (start && start->function && !start->runtime);
}

/* Names the place, and limits the rule to this program. */
static void add_nameless(struct draft *draft)
{
    if (draft->group->user_frame)
        draft_add_place(draft, "thread", draft->group->user_frame);
    add_start(draft);
    if (!draft->conditions)
        draft_add(draft, "name", common_name(draft->group));
    if (draft->conditions && draft->process->exe)
        draft_add(draft, "process", path_basename(draft->process->exe));
}

static void add_named(struct draft *draft)
{
    const struct frame *nearest = nearest_named(draft->group);
    if (nearest)
        draft_add(draft, "thread", nearest->function);
    if (!add_start(draft) && !draft->conditions)
        add_module(draft);
    if (!draft->conditions)
        draft_add(draft, "name", common_name(draft->group));
}

static enum match make_rule(struct draft *draft)
{
    const struct leak_group *group = draft->group;
    if (names_user_code(group))
        add_named(draft);
    else
        add_nameless(draft);
    enum match match = add_callers(draft, try_out(draft));
    if (match == MATCHES_MORE && draft->process->exe &&
        draft_add(draft, "process", path_basename(draft->process->exe)))
        match = try_out(draft);
    if (match == MATCHES_MORE && draft_add(draft, "name", common_name(group)))
        match = try_out(draft);
    return match;
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
    char rule[sizeof(draft->text) + 64];
    enum match match = make_rule(draft);
    finish(draft, rule, sizeof(rule));
    if (match != MATCHES_NOT && is_printed(printed, rule))
        return true;
    fprintf(out, "# %zu %s of ", draft->group->thread_count, leak_kind_name(draft->group->kind));
    put_escaped(out, command_name(draft->process));
    if (match == MATCHES_NOT) {
        fputs(": no rule possible: nothing in it has a name\n", out);
        return true;
    }
    if (match == MATCHES_MORE)
        fputs(" (also matches others: their names are the same)", out);
    else if (!names_user_code(draft->group))
        fputs(" (valid until the next build: its creator has no name)", out);
    fputc('\n', out);
    fprintf(out, "%s\n", rule);
    return ARRAY_GROW(printed->rules, printed->count) &&
           (printed->rules[printed->count++] = strdup(rule)) != NULL;
}

/* ---- findings ------------------------------------------------------------------------------------ */

static bool names_all(const struct finding *finding, const struct leak_group *group)
{
    size_t i = 0;
    while (i < group->thread_count && finding_names(finding, group->threads[i].id, group->threads[i].tid))
        i++;
    return i == group->thread_count;
}

/* The proof why none of the threads can end, if the next run that hangs so has it again. A word that memory
 * contains by chance can hide that a thread is stuck. NULL: none. */
static const struct finding *proof_of(const struct process_report *process, const struct leak_group *group)
{
    for (size_t i = 0; i < process->findings.count; i++) {
        const struct finding *finding = &process->findings.items[i];
        if (finding->level == FINDING_PROVED && !finding->suppressed_by && finding->code != FINDING_STUCK &&
            finding_help_of(finding->code)->verdict && names_all(finding, group))
            return finding;
    }
    return NULL;
}

static bool has_thread(const struct leak_group *group, uint64_t id)
{
    size_t i = 0;
    while (i < group->thread_count && group->threads[i].id != id)
        i++;
    return i < group->thread_count;
}

/* Rules of groups suppress all its threads, and so the finding. */
static bool names_only_leaks(const struct process_report *process, const struct finding *finding)
{
    for (size_t i = 0; i < finding->thread_count; i++) {
        size_t group = 0;
        while (group < process->group_count && !(process->groups[group].counted &&
                                                 has_thread(&process->groups[group], finding->threads[i].id)))
            group++;
        if (!finding->threads[i].id || group == process->group_count)
            return false;
    }
    return finding->thread_count > 0;
}

static bool is_in_a_rule(const struct process_report *process, const struct finding *finding)
{
    for (size_t i = 0; i < process->group_count; i++)
        if (process->groups[i].counted && proof_of(process, &process->groups[i]) == finding)
            return true;
    return names_only_leaks(process, finding);
}

/* A rule that names the places of a finding, for one that no rule of a group suppresses. */
static bool print_finding_rule(FILE *out, const struct process_report *process, const struct finding *finding,
                               struct printed *printed)
{
    struct draft draft = {.process = process};
    char rule[sizeof(draft.text) + 64];
    for (size_t i = 0; i < finding_own_facts(finding); i++)
        if (finding->facts[i].at)
            draft_add(&draft, "thread", finding->facts[i].at->function);
    snprintf(rule, sizeof(rule), "%s finding:%s", draft.text, finding_name(finding->code));
    if (is_printed(printed, rule))
        return true;
    fprintf(out, "# %s of ", finding_name(finding->code));
    put_escaped(out, command_name(process));
    if (!draft.conditions) {
        fputs(": no rule possible: nothing in it has a name\n", out);
        return true;
    }
    fprintf(out, "\n%s\n", rule);
    return ARRAY_GROW(printed->rules, printed->count) &&
           (printed->rules[printed->count++] = strdup(rule)) != NULL;
}

static bool print_finding_rules(FILE *out, const struct process_report *process, struct printed *printed)
{
    for (size_t i = 0; i < process->findings.count; i++) {
        const struct finding *finding = &process->findings.items[i];
        if (finding->level != FINDING_NOTE && !finding->suppressed_by && !is_in_a_rule(process, finding) &&
            !print_finding_rule(out, process, finding, printed))
            return false;
    }
    return true;
}

bool report_rules_print(FILE *out, const struct report *report)
{
    struct printed printed = {0};
    bool done = true;
    for (size_t p = 0; p < report->process_count; p++) {
        const struct process_report *process = &report->processes[p];
        for (size_t i = 0; i < process->group_count && done; i++) {
            struct draft draft = {.report = report,
                                  .process = process,
                                  .group = &process->groups[i],
                                  .finding = proof_of(process, &process->groups[i])};
            if (draft.group->counted)
                done = print_rule(out, &draft, &printed);
        }
        done = done && print_finding_rules(out, process, &printed);
    }
    for (size_t i = 0; i < printed.count; i++)
        free(printed.rules[i]);
    free(printed.rules);
    if (!done)
        errno = ENOMEM;
    return done && fflush(out) == 0 && !ferror(out);
}
