/* Verdict lines, and the findings of a process. */
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "report/common/phrases.h"
#include "report/text/text.h"

enum {
    FINDINGS_SHOWN = 6,
    THREADS_NAMED = 4, /* so many the text of a finding names */
    LINE_WIDTH = 80,
};

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
    fputs(fact->creation ? " at\n    > " : ", at\n    > ", printer->out);
    put_frame(printer, fact->at, strlen("    > "), 0);
    putc('\n', printer->out);
}

/* Those that a short report only counts. */
static void print_facts(const struct printer *printer, const struct finding *finding)
{
    size_t hidden = 0;
    for (size_t i = 0; i < finding->fact_count; i++) {
        const struct finding_fact *fact = &finding->facts[i];
        if (i > 0 && i == finding->own_facts)
            fputs("  waiting for these:\n", printer->out);
        if (fact->more && !is_verbose(printer))
            hidden++;
        else
            print_fact(printer, fact);
        if (hidden && (i + 1 == finding->fact_count || !finding->facts[i + 1].more)) {
            fprintf(printer->out, "  and %zu more\n", hidden);
            note_shortened(printer);
            hidden = 0;
        }
    }
}

/* All threads, where the text names only the first ones. */
static void print_threads(const struct printer *printer, const struct finding *finding)
{
    int column = fprintf(printer->out, "  threads:");
    for (size_t i = 0; i < finding->thread_count; i++) {
        const struct finding_thread *thread = &finding->threads[i];
        char name[32];
        int length = thread->id ? snprintf(name, sizeof(name), "T%llu", (unsigned long long)thread->id)
                                : snprintf(name, sizeof(name), "tid %d", (int)thread->tid);
        if (column + length + 2 > LINE_WIDTH)
            column = fprintf(printer->out, "\n   ") - 1;
        column += fprintf(printer->out, " %s%s", name, i + 1 < finding->thread_count ? "," : "");
    }
    putc('\n', printer->out);
}

/* One entry, in lines that are not too long. */
static void print_wrapped(const struct printer *printer, const char *text, size_t size)
{
    size_t width = printer->style->width ? printer->style->width : LINE_WIDTH;
    const char *end = text + size;
    size_t column = (size_t)fprintf(printer->out, "   ");
    while (text < end) {
        const char *blank = memchr(text, ' ', (size_t)(end - text));
        size_t length = (size_t)((blank ? blank : end) - text);
        if (column + 1 + length > width)
            column = (size_t)fprintf(printer->out, "\n     ") - 1;
        column += (size_t)fprintf(printer->out, " %.*s", (int)length, text);
        text += length + 1;
    }
    putc('\n', printer->out);
}

void print_assumed(const struct printer *printer, const char *assumed)
{
    static const char separator[] = "; ";
    static const char *const only[] = {"only likely", "only a note"};
    bool because[2] = {false, false};
    fputs("  assumed:\n", printer->out);
    while (*assumed) {
        const char *end = strstr(assumed, separator);
        const char *next = end ? end + strlen(separator) : assumed + strlen(assumed);
        for (size_t i = 0; i < 2; i++) {
            size_t length = strlen(only[i]);
            if (!text_begins_with(assumed, only[i]) || !text_begins_with(assumed + length, ": "))
                continue;
            if (!because[i])
                fprintf(printer->out, "  %s, because\n", only[i]);
            because[i] = true;
            assumed += length + 2;
        }
        print_wrapped(printer, assumed, (size_t)((end ? end : next) - assumed));
        assumed = next;
    }
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
    print_facts(printer, finding);
    if (!finding->fact_count) {
        fputs("  ", printer->out);
        put_escaped(printer->out, finding->text);
        putc('\n', printer->out);
    }
    if (finding->pattern)
        fprintf(printer->out, "  see threadleak-patterns(7): %s\n", finding->pattern);
    if (finding->thread_count > THREADS_NAMED && is_verbose(printer))
        print_threads(printer, finding);
    if (finding->assumed && is_verbose(printer))
        print_assumed(printer, finding->assumed);
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

/* Threads that are stuck, unless something refers to them that could not be seen. */
static size_t count_perhaps_stuck(const struct findings *findings)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].code == FINDING_STUCK && findings->items[i].level == FINDING_NOTE &&
            !findings->items[i].suppressed_by)
            count += findings->items[i].thread_count;
    return count;
}

static bool print_perhaps_stuck(const struct printer *printer, const struct findings *findings)
{
    size_t count = is_verbose(printer) ? 0 : count_perhaps_stuck(findings);
    if (count)
        fprintf(printer->out, "\nperhaps stuck: %zu thread%s; -v prints why this is not certain\n", count,
                plural(count));
    return count > 0;
}

/* Their groups of threads, or the failed creations below, say the same with whole stacks. */
static bool is_printed_below(const struct finding *finding)
{
    return finding->code == FINDING_CREATE_FAILED || finding->code == FINDING_JOIN_SKIPPED ||
           finding->code == FINDING_LOST_HANDLE;
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
    bool perhaps = print_perhaps_stuck(printer, findings);
    return print_unchecked(printer, process) || wanted > 0 || perhaps;
}

void print_reach(const struct printer *printer, const struct stacks *stacks)
{
    if (!stacks)
        return;
    const struct reach_summary *reach = &stacks->reach;
    if (reach->why_not || !reach->checked || !reach->bytes || !is_verbose(printer))
        return;
    fprintf(printer->out, "checked for stuck: %.1f MiB in %.1f s", (double)reach->bytes / (1 << 20),
            (double)(reach->copy_ns + reach->mark_ns) / 1e9);
    if (reach->copy_ns)
        fprintf(printer->out, ", stopped for %.3f s", (double)reach->copy_ns / 1e9);
    putc('\n', printer->out);
}
