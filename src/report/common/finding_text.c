#include "report/common/finding_text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "report/common/phrases.h"
#include "report/common/source.h"

char *finding_line(const struct finding *finding)
{
    static const char *const levels[FINDING_LEVELS] = {
        [FINDING_NOTE] = "note: ", [FINDING_LIKELY] = "likely ", [FINDING_PROVED] = ""};
    struct text_buffer line;
    FILE *out = text_open(&line);
    if (!out)
        return NULL;
    fprintf(out, "%s%s: ", levels[finding->level], finding_name(finding->code));
    put_escaped(out, finding->text);
    return text_close(&line);
}

static void put_fact(FILE *out, const struct finding_fact *fact)
{
    char name[512], path[PATH_MAX];
    put_escaped(out, fact->text);
    if (!fact->at)
        return;
    format_function(name, sizeof(name), fact->at, sizeof(name) - 1);
    fputs(fact->creation ? " at " : ", at ", out);
    put_escaped(out, name);
    if (!fact->at->file)
        return;
    format_source_path(path, sizeof(path), fact->at->file);
    fputs(" (", out);
    put_escaped(out, path);
    if (fact->at->line > 0)
        fprintf(out, ":%d", fact->at->line);
    putc(')', out);
}

static bool is_in_line(const struct finding *finding, const struct finding_fact *fact)
{
    return !fact->at && strcmp(fact->text, finding->text) == 0;
}

char *finding_details(const struct finding *finding)
{
    struct text_buffer text;
    FILE *out = text_open(&text);
    if (!out)
        return NULL;
    bool first = true;
    for (size_t i = 0; i < finding->fact_count; i++) {
        if (is_in_line(finding, &finding->facts[i]))
            continue;
        if (!first)
            putc('\n', out);
        first = false;
        put_fact(out, &finding->facts[i]);
    }
    return text_close(&text);
}

const struct frame *finding_place(const struct finding *finding)
{
    const struct frame *first = NULL;
    for (size_t i = 0; i < finding_own_facts(finding); i++) {
        const struct frame *at = finding->facts[i].at;
        if (at && at->file && at->line > 0)
            return at;
        first = first ? first : at;
    }
    return first;
}

bool finding_counts(const struct finding *finding)
{
    return (finding->level > FINDING_NOTE || finding->fails) && !finding->suppressed_by;
}

bool finding_is_alone(const struct finding *finding)
{
    return finding_counts(finding) && !finding->in_group;
}

const char *first_verdict(const struct report *report)
{
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].findings.verdict)
            return report->processes[i].findings.verdict;
    return "";
}
