#include "cli/explain/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "leak/baseline.h"
#include "leak/build.h"
#include "ledger/ledger.h"
#include "common/options.h"
#include "cli/common/output.h"
#include "cli/common/outputs.h"
#include "cli/common/terminal.h"
#include "cli/explain/bounded.h"
#include "report/report.h"

bool explain_open(struct explain *explain, struct error *error)
{
    if (ledger_open_process(explain->pid, &explain->ledger, error) != LEDGER_OPEN_OK)
        return false;
    ledger_options_read(explain->ledger, &explain->options);
    return true;
}

bool explain_prepare(struct explain *explain)
{
    explain->symbolizer = symbolizer_new(false);
    explain->report = report_new();
    if (explain->symbolizer)
        symbolizer_see_as(explain->symbolizer, explain->pid);
    return explain->symbolizer && explain->report;
}

/* Live tracked threads, without the main thread (ledger.h). Their stacks take half of the time of a report.
 */
static bool has_live_threads(const struct ledger *ledger)
{
    const struct ledger_header *header = ledger_get_header(ledger);
    return header->next_serial - 2 - header->dropped != ledger_count_ended(ledger);
}

/* NULL: not wanted, or not possible.  Missing stacks must not suppress the report. When no thread is alive,
 * they only say where the handles of those that have finished are stored. */
static struct stacks *take_stacks(const struct explain *explain)
{
    const struct stacks_options options = {.symbolizer = explain->symbolizer,
                                           .ledger = explain->ledger,
                                           .park = explain->park,
                                           .reach = explain->at_end ? REACH_AVAILABLE : REACH_MODERATE};
    struct error error;
    if (!explain->options.stacks)
        return NULL;
    struct stacks *stacks = stacks_take(explain->pid, &options, &error);
    if (!stacks || stacks->reach.checked || !explain->at_end || has_live_threads(explain->ledger))
        return stacks;
    stacks_free(stacks);
    return NULL;
}

/* What is wrong with the file must not suppress the report. */
static struct baseline *read_baseline(const struct explain *explain)
{
    struct error error;
    if (!*explain->options.baseline)
        return NULL;
    struct baseline *baseline = baseline_read(explain->options.baseline, &error);
    if (!baseline)
        cli_message("%s; the report does not use it", error.text);
    return baseline;
}

static void apply_baseline(struct explain *explain)
{
    explain->baseline = read_baseline(explain);
    if (explain->baseline)
        baseline_apply(explain->baseline, explain->report);
}

bool explain_judge(struct explain *explain, const struct verdict_rules *rules, struct error *error)
{
    struct evidence evidence;
    struct verdict_rules with_sites = *rules;
    const struct report_format *format = report_format_find(explain->options.format);
    with_sites.all_sites = format && format->all_sites;
    if (!evidence_of_process(&evidence, explain->pid, explain->ledger, take_stacks(explain), error))
        return false;
    if (with_sites.all_sites)
        evidence_measure(&evidence);
    if (!report_add(explain->report, &evidence, &with_sites, error))
        return false;
    apply_baseline(explain);
    report_finish(explain->report);
    return true;
}

/* Opens the descriptor of the program, standard error, or the log file. The log is opened for appending,
 * because several processes may share it. The open does not wait for a reader of a FIFO. */
static FILE *open_log(const struct explain *explain)
{
    char path[PATH_MAX];
    const struct ledger_header *header = ledger_get_header(explain->ledger);
    const char *pattern = explain->options.log_path;
    if (explain->has_fd)
        return fdopen(explain->fd, "a");
    if (strcmp(pattern, "stderr") == 0)
        return stderr;
    if (options_expand_path(path, sizeof(path), pattern, explain->pid,
                            ledger_get_string(explain->ledger, header->exe))) {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
        if (fd >= 0)
            return fdopen(fd, "a");
    }
    cli_message("%s: cannot be opened: %s; the report goes to standard error", pattern, strerror(errno));
    return stderr;
}

/* The program may be the one that reads it, and can go on only after the report; or its parent, which may
 * wait for its end before it reads. But a person may read it page by page. */
enum { PATIENCE_S = 5, PATIENCE_AT_END_S = 60 };

/* False: it was not printed completely. */
static bool print_explained(const struct explain *explain, FILE *memory, int log)
{
    const struct report_format *format = report_format_find(explain->options.format);
    if (!format || (format->is_binary && isatty(log))) /* the log of this program is a terminal */
        format = &report_text;
    const struct report_style style = {.color = output_color(log, explain->options.color),
                                       .width = terminal_width(log),
                                       .ascii = terminal_is_ascii(),
                                       .more = "threadleak run -v",
                                       .others = explain->dump};
    struct error error;
    if (report_print(format, memory, explain->report, &style))
        return true;
    if (!outputs_lack_side_file(format, memory, &error))
        return false;
    cli_message("%s", error.text);
    return true;
}

static bool write_bounded(const struct explain *explain, FILE *out, const char *text, size_t size)
{
    unsigned patience_s = explain->dump ? PATIENCE_S : PATIENCE_AT_END_S;
    if (bounded_write(fileno(out), text, size, patience_s) || errno == ETIMEDOUT)
        return true;
    if (out == stderr || explain->has_fd)
        return false;
    cli_message("%s: could not be written: %s; the report goes to standard error", explain->options.log_path,
                strerror(errno));
    return bounded_write(STDERR_FILENO, text, size, patience_s);
}

/* Uses one write(2), so that reports of several processes do not mix. stdio would split the text at the size
 * of its buffer, even after setvbuf. */
bool explain_write(const struct explain *explain)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_log(explain), *memory = open_memstream(&text, &size);
    if (!out || !memory)
        return false;
    bool printed = print_explained(explain, memory, fileno(out));
    bool written = fclose(memory) == 0 && printed && write_bounded(explain, out, text, size);
    free(text);
    size_t old = explain->baseline ? baseline_old(explain->baseline) : 0;
    if (old)
        cli_message("%s: %zu leak%s matched by fingerprints " BASELINE_OLD_TEXT, explain->options.baseline,
                    old, old == 1 ? " was" : "s were");
    return written;
}

void explain_release(struct explain *explain)
{
    report_free(explain->report);
    baseline_free(explain->baseline);
    symbolizer_free(explain->symbolizer);
    suppression_options_release(&explain->suppressions);
    ledger_close(explain->ledger);
}
