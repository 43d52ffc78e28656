/* Verdict lines, and the findings of a process. */
#include "base/escape.h"
#include "base/text.h"
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
    fprintf(printer->out, "   %s", finding_level_name(finding->level));
    if (finding->suppressed_by) {
        fputs(", suppressed by ", printer->out);
        put_escaped(printer->out, finding->suppressed_by);
        fputs(finding->reason ? ": " : "", printer->out);
        put_escaped(printer->out, finding->reason ? finding->reason : "");
    }
    putc('\n', printer->out);
    for (size_t i = 0; i < finding->fact_count; i++) {
        if (i > 0 && i == finding->own_facts)
            fputs("  waiting for these:\n", printer->out);
        print_fact(printer, &finding->facts[i]);
    }
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

/* Suppressed ones and notes are only printed with -v. */
static bool is_shown(const struct printer *printer, const struct finding *finding)
{
    return (!finding->suppressed_by && finding->level > FINDING_NOTE) || is_verbose(printer);
}

/* What could not be judged is no proof of the contrary. */
static bool print_unchecked(const struct printer *printer, const struct process_report *process)
{
    const char *why = process->stacks ? process->stacks->reach.why_not : NULL;
    if (!why)
        return false;
    fputs("\nnot checked for stuck: ", printer->out);
    put_escaped(printer->out, why);
    putc('\n', printer->out);
    return true;
}

/* Their groups of threads, or the failed creations below, say the same with whole stacks. */
static bool is_printed_below(const struct finding *finding)
{
    return finding->code == FINDING_CREATE_FAILED || finding->code == FINDING_JOIN_SKIPPED;
}

bool print_findings(const struct printer *printer, const struct process_report *process)
{
    const struct findings *findings = &process->findings;
    bool all = is_verbose(printer) || printer->style->all;
    size_t wanted = 0, shown = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (!is_shown(printer, &findings->items[i]) || is_printed_below(&findings->items[i]))
            continue;
        if (wanted++ >= FINDINGS_SHOWN && !all)
            continue;
        print_finding(printer, &findings->items[i]);
        shown++;
    }
    if (wanted > shown) {
        note_shortened(printer);
        fprintf(printer->out, "\nand %zu more finding%s\n", wanted - shown, plural(wanted - shown));
    }
    return print_unchecked(printer, process) || wanted > 0;
}

void print_reach(const struct printer *printer, const struct stacks *stacks)
{
    if (!stacks)
        return;
    const struct reach_summary *reach = &stacks->reach;
    if (reach->why_not) {
        fputs("not checked for stuck: ", printer->out);
        put_escaped(printer->out, reach->why_not);
        putc('\n', printer->out);
    } else if (reach->checked && is_verbose(printer))
        fprintf(printer->out, "checked for stuck: %.1f MiB in %.1f s, stopped for %.3f s\n",
                (double)reach->bytes / (1 << 20), (double)(reach->copy_ns + reach->mark_ns) / 1e9,
                (double)reach->copy_ns / 1e9);
}
