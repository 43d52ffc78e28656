/*
 * The format "tree": the stacks of all threads merged from the outermost frame, with the number of threads at
 * each branch.
 *
 *     150  run
 *     149  |- condvar wait on jobs_ready, no timeout               pool.c:17
 *          |  T3-T151 "pool-*", by pool_start:42
 *   <   1  `- execute > main::{lambda()#1}                        main.cc:43
 *             now running; T2 "pool-0" tid 4245, by pool_start (pool.c:42)
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/common/finding_text.h"
#include "report/common/phrases.h"
#include "report/common/format.h"
#include "report/text/layout.h"
#include "report/tree/branches.h"

#define FINDINGS_SHOWN 4
#define LINES_USUAL 19 /* of 24 on a terminal: the others are the title, a verdict and the prompt */

/* ---- a process ---------------------------------------------------------------------------- */

static int digits_of(size_t number)
{
    return snprintf(NULL, 0, "%zu", number);
}

static size_t width_of(const struct printer *printer)
{
    if (is_verbose(printer))
        return TREE_NO_LIMIT;
    return printer->style->width ? printer->style->width : TREE_WIDTH;
}

/* Those beside the verdict. */
static void put_findings(const struct printer *printer, const struct process_report *process)
{
    size_t counted = 0;
    for (size_t i = 0; i < process->findings.count; i++) {
        const struct finding *finding = &process->findings.items[i];
        bool is_verdict = process->findings.verdict && strstr(process->findings.verdict, finding->text);
        if (!finding_counts(finding) || is_verdict || ++counted > FINDINGS_SHOWN)
            continue;
        char *line = finding_line(finding);
        fprintf(printer->out, "! %s\n", line ? line : "");
        free(line);
    }
    if (counted > FINDINGS_SHOWN)
        fprintf(printer->out, "! and %zu more findings\n", counted - FINDINGS_SHOWN);
}

/* "threads  functions   ! in a finding   * leaked   < few of many" */
static void put_legend(const struct tree_printer *tree)
{
    static const char *const meanings[] = {
        [MARK_ODD] = "few of many", [MARK_LEAKED] = "leaked", [MARK_FOUND] = "in a finding"};
    paint(tree->printer, DIM);
    fputs("threads, by function", tree->printer->out);
    for (enum mark mark = MARK_FOUND; mark > MARK_NONE; mark--)
        if (tree->used[mark])
            fprintf(tree->printer->out, "   %c %s", tree_marks[mark], meanings[mark]);
    fputs(tree->compact ? "   -v: which threads" : "", tree->printer->out);
    paint(tree->printer, PLAIN);
    putc('\n', tree->printer->out);
}

/* The tree is made before what is above it, which names the odd threads. */
struct made_tree {
    struct tree_printer printer;
    char *above, *lines;
};

/* False: out of memory. Release it in both cases. */
static bool make_tree(struct made_tree *made, const struct printer *printer, const struct stack_tree *stacks,
                      bool compact)
{
    struct text_buffer lines, odd;
    struct printer inner = *printer;
    *made = (struct made_tree){.lines = NULL};
    if (!text_open(&lines))
        return false;
    if (!text_open(&odd)) {
        free(text_close(&lines));
        return false;
    }
    inner.out = lines.out;
    made->printer = (struct tree_printer){.printer = &inner,
                                          .out = lines.out,
                                          .odd = odd.out,
                                          .digits = digits_of(stacks->count),
                                          .width = width_of(printer),
                                          .compact = compact};
    tree_put_part(&made->printer, stacks, false);
    tree_put_part(&made->printer, stacks, true);
    made->printer.printer = printer;
    made->lines = text_close(&lines);
    made->above = text_close(&odd);
    return made->lines && made->above && !made->printer.failed;
}

static void release_tree(struct made_tree *made)
{
    free(made->lines);
    free(made->above);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    while ((text = strchr(text, '\n')))
        count++, text++;
    return count;
}

/* Can and must lines be left out, so that all is on one screen? */
static bool is_too_long(const struct printer *printer, const struct made_tree *made)
{
    return !is_verbose(printer) && !printer->style->all &&
           count_lines(made->lines) + count_lines(made->above) > LINES_USUAL;
}

static bool put_stacks(const struct printer *printer, const struct stack_tree *stacks)
{
    struct made_tree made;
    bool done = make_tree(&made, printer, stacks, printer->style->verbose < 0);
    if (done && is_too_long(printer, &made)) {
        release_tree(&made);
        done = make_tree(&made, printer, stacks, true);
    }
    if (done) {
        paint(printer, BOLD);
        fputs(made.above, printer->out);
        paint(printer, PLAIN);
        if (made.printer.odd_count > TREE_ODD_SHOWN)
            fprintf(printer->out, "and %zu more branches like that\n",
                    made.printer.odd_count - TREE_ODD_SHOWN);
        put_legend(&made.printer);
        fputs(made.lines, printer->out);
    }
    release_tree(&made);
    return done;
}

static bool print_stacks_of(const struct printer *printer, const struct members *members)
{
    struct stack_tree stacks;
    bool done = stack_tree_make(&stacks, members, printer->named, printer->style);
    if (done && stacks.count)
        done = put_stacks(printer, &stacks);
    stack_tree_release(&stacks);
    if (members->hidden)
        fprintf(printer->out, "not shown: %zu suppressed thread%s, which --all or -v shows\n",
                members->hidden, plural(members->hidden));
    return done;
}

static bool print_one(const struct printer *of_report, const struct process_report *process, bool alone)
{
    struct members members;
    struct named_threads named;
    if (!members_find(&members, process, of_report->style))
        return false;
    named_threads_make(&named, process);
    struct printer printer = *of_report;
    printer.process = process;
    printer.named = &named;
    print_process_head(&printer, process, alone);
    put_findings(&printer, process);
    bool done = print_stacks_of(&printer, &members);
    print_process_foot(&printer, process);
    named_threads_release(&named);
    free(members.items);
    return done;
}

/* ---- the report --------------------------------------------------------------------------- */

static bool is_worth_it(const struct report *report, const struct process_report *process,
                        const struct report_style *style)
{
    struct members members;
    bool found = members_find(&members, process, style);
    free(members.items);
    return !found || members.count || report->process_count == 1 || style->all || process->counts.lost ||
           process->findings.count;
}

static bool print_whole(FILE *out, const struct report *report, const struct report_style *style)
{
    bool shortened = false, done = true;
    struct printer printer = {out, style, NULL, report, NULL, &shortened};
    char timeout[TIMEOUT_TEXT_MAX];
    print_verdicts(&printer, report);
    if (*format_timeout(timeout, report))
        fprintf(out, "threadleak: %s\n", timeout);
    if (report->process_count != 1) {
        fputs("threadleak: ", out);
        put_summary(out, report);
        putc('\n', out);
    }
    for (size_t i = 0; i < report->process_count && done; i++) {
        if (!is_worth_it(report, &report->processes[i], style))
            continue;
        if (report->process_count > 1)
            putc('\n', out);
        done = print_one(&printer, &report->processes[i], report->process_count == 1);
    }
    return done;
}

static bool print_tree(FILE *out, const struct report *report, const struct report_style *style)
{
    const struct text_layout layout = {style->verbose > 0 && !style->width ? 0
                                       : style->width                      ? style->width
                                                                           : TREE_WIDTH,
                                       style->ascii};
    struct text_buffer buffer;
    if (!text_open(&buffer))
        return false;
    bool done = print_whole(buffer.out, report, style);
    char *text = text_close(&buffer);
    if (text && done)
        text_lay_out(out, text, &layout);
    free(text);
    return text && done;
}

const struct report_format report_tree = {.name = "tree", .print = print_tree, .is_log = true};
