#include "find/find.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "find/context.h"

static const struct kind {
    struct finding_help help;
    bool (*find)(struct find_context *context);
} kinds[FINDING_CODES] = {
#define FINDING(code, name, verdict, find, ...) [FINDING_##code] = {{name, verdict, __VA_ARGS__}, find},
#include "find/findings.def"
};

const char *finding_name(enum finding_code code)
{
    return kinds[code].help.name;
}

const struct finding_help *finding_help_of(enum finding_code code)
{
    return &kinds[code].help;
}

enum finding_code finding_code_of(const char *name)
{
    int code = 0;
    while (code < FINDING_CODES && strcmp(kinds[code].help.name, name) != 0)
        code++;
    return (enum finding_code)code;
}

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
    if (!ARRAY_GROW(finding->threads, finding->thread_count))
        return false;
    finding->threads[finding->thread_count++] = thread;
    return true;
}

bool finding_add_thread(struct finding *finding, const struct find_context *context,
                        const struct thread_stack *thread)
{
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
    finding->facts[finding->fact_count++] = (struct finding_fact){copy, at, false};
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

bool finding_names(const struct finding *finding, uint64_t id, pid_t tid)
{
    for (size_t i = 0; i < finding->thread_count; i++)
        if (id ? finding->threads[i].id == id : finding->threads[i].tid == tid)
            return true;
    return false;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    return strcmp(a->text, b->text);
}

/* It is certain why the process ended, also where it is not known which thread was meant. */
static enum finding_level weight(const struct finding *finding)
{
    return finding->code == FINDING_JOINABLE_DESTROYED ? FINDING_PROVED : finding->level;
}

/* Proved findings come before likely ones of any code. */
bool finding_is_more_serious(const struct finding *a, const struct finding *b)
{
    return !b || weight(a) > weight(b) || (weight(a) == weight(b) && a->code < b->code);
}

static const struct finding *most_serious(const struct findings *findings)
{
    const struct finding *best = NULL;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (kinds[finding->code].help.verdict && finding->level > FINDING_NOTE && !finding->suppressed_by &&
            finding_is_more_serious(finding, best))
            best = finding;
    }
    return best;
}

bool findings_set_verdict(struct findings *findings)
{
    const struct finding *finding = most_serious(findings);
    struct line line = {.length = 0};
    free(findings->verdict);
    findings->verdict = NULL;
    if (!finding)
        return true;
    line_add(&line, "%s: %s: %s%s", kinds[finding->code].help.verdict, finding->text,
             finding->level == FINDING_PROVED ? "" : "likely ", kinds[finding->code].help.name);
    findings->verdict = line_copy(&line);
    return findings->verdict != NULL;
}

/* It needs samples of many moments: series/series.h, which `threadleak watch` fills. */
bool find_growing(struct find_context *context)
{
    (void)context;
    return true;
}

static bool find_wanted(struct find_context *context, unsigned wanted)
{
    for (int code = 0; code < FINDING_CODES; code++)
        if (wanted & 1u << code && !kinds[code].find(context))
            return false;
    return true;
}

static void set_patterns(const struct find_context *context)
{
    struct findings *findings = context->findings;
    for (size_t i = 0; i < findings->count; i++)
        findings->items[i].pattern = finding_pattern(context, &findings->items[i]);
}

bool findings_find(struct findings *findings, const struct evidence *evidence, struct symbolizer *symbolizer,
                   unsigned wanted)
{
    static const struct stacks none;
    const struct stacks *stacks = evidence->stacks ? evidence->stacks : &none;
    struct find_context context = {evidence, stacks, symbolizer, {0}, findings};
    *findings = (struct findings){0};
    if (!(wanted & FIND_DEFAULT))
        return true;
    bool done = wait_graph_make(&context.graph, evidence) && find_wanted(&context, wanted);
    if (done && findings->count)
        qsort(findings->items, findings->count, sizeof(*findings->items), compare);
    done = done && findings_set_verdict(findings);
    if (done)
        set_patterns(&context);
    wait_graph_release(&context.graph);
    if (!done)
        findings_release(findings);
    return done;
}

void findings_release(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->items[i];
        for (size_t j = 0; j < finding->fact_count; j++)
            free(finding->facts[j].text);
        free(finding->facts);
        free(finding->threads);
        free(finding->text);
        free(finding->assumed);
    }
    free(findings->items);
    free(findings->verdict);
    *findings = (struct findings){0};
}
