/* Verdict lines, and the findings of a process. */
#include "base/escape.h"
#include "report/phrases.h"
#include "report/text_parts.h"

#define FINDINGS_SHOWN 6

bool print_verdicts(const struct printer *printer, const struct report *report)
{
    bool printed = false;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        if (!process->findings.verdict)
            continue;
        paint(printer, BOLD);
        put_escaped(printer->out, process->findings.verdict);
        paint(printer, PLAIN);
        if (report->process_count > 1) {
            fputs(", in ", printer->out);
            put_escaped(printer->out, command_name(process));
            fprintf(printer->out, " (pid %d)", (int)process->pid);
        }
        putc('\n', printer->out);
        printed = true;
    }
    return printed;
}

static void print_fact(const struct printer *printer, const struct finding_fact *fact)
{
    fputs("  ", printer->out);
    put_escaped(printer->out, fact->text);
    if (!fact->at) {
        putc('\n', printer->out);
        return;
    }
    fputs(", at\n    > ", printer->out);
    put_frame(printer, fact->at, strlen("    > "), 0);
    putc('\n', printer->out);
}

static void print_finding(const struct printer *printer, const struct finding *finding)
{
    putc('\n', printer->out);
    paint(printer, BOLD);
    fputs(finding_name(finding->code), printer->out);
    paint(printer, PLAIN);
    fprintf(printer->out, "   %s\n", finding_level_name(finding->level));
    for (size_t i = 0; i < finding->fact_count; i++)
        print_fact(printer, &finding->facts[i]);
    if (!finding->fact_count) {
        fputs("  ", printer->out);
        put_escaped(printer->out, finding->text);
        putc('\n', printer->out);
    }
    if (finding->pattern)
        fprintf(printer->out, "  see threadleak-patterns(7): %s\n", finding->pattern);
    if (finding->assumed && is_verbose(printer)) {
        fputs("  assumed: ", printer->out);
        put_escaped(printer->out, finding->assumed);
        putc('\n', printer->out);
    }
}

bool print_findings(const struct printer *printer, const struct process_report *process)
{
    const struct findings *findings = &process->findings;
    bool all = is_verbose(printer) || printer->style->all;
    size_t shown = all || findings->count <= FINDINGS_SHOWN ? findings->count : FINDINGS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        print_finding(printer, &findings->items[i]);
    if (findings->count > shown) {
        note_shortened(printer);
        fprintf(printer->out, "\nand %zu more findings\n", findings->count - shown);
    }
    return findings->count > 0;
}
