#include "find/find.h"

#include <stdlib.h>
#include <string.h>

#include "find/context.h"

static const struct kind {
    struct finding_help help;
    bool (*find)(struct find_context *context);
} kinds[FINDING_CODES] = {
#define FINDING(code, name, verdict, find, ...) [FINDING_##code] = {{name, verdict, __VA_ARGS__}, find},
#include "find/findings.def"
};

const char finding_words_fail_on[] = "all"
#define FINDING(code, name, ...) " " name
#include "find/findings.def"
    ;
const char finding_words_find[] = "default all none"
#define FINDING(code, name, ...) " " name
#include "find/findings.def"
    ;

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

/* ---- all of them ----------------------------------------------------------------------------- */

/* A program whose main thread waits for ever does not reach the code that stops the other threads: they are
 * stuck because it is. */
static bool holds_up_main(const struct finding *finding)
{
    return finding->code == FINDING_STUCK && finding->of_main;
}

static int compare(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    if (holds_up_main(a) != holds_up_main(b))
        return holds_up_main(a) ? -1 : 1;
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
    const struct finding *best = NULL, *of_main = NULL;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (!kinds[finding->code].help.verdict || finding->no_verdict || finding->level == FINDING_NOTE ||
            finding->suppressed_by)
            continue;
        if (finding_is_more_serious(finding, best))
            best = finding;
        if (holds_up_main(finding) && !of_main)
            of_main = finding;
    }
    return best && best->code == FINDING_STUCK && of_main ? of_main : best;
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
