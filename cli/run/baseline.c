#include "cli/run/baseline.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/common/cli.h"
#include "cli/common/output.h"

/* Not a FIFO that the baseline is written to: reading it would wait for ever. */
static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool run_baseline_open(struct run_baseline *baseline, const struct run_options *given, struct error *error)
{
    if (*given->options.baseline) {
        baseline->known = baseline_read(given->options.baseline, error);
        if (!baseline->known)
            return error_prefix(error, "--baseline=");
    }
    baseline->path = given->write_baseline;
    if (!baseline->path)
        return true;
    struct error none;
    baseline->before = is_file(baseline->path) ? baseline_read(baseline->path, &none) : NULL;
    return output_check(baseline->path, error) || error_prefix(error, "--write-baseline=");
}

void run_baseline_judge(struct run_baseline *baseline, struct report *report)
{
    if (baseline->known)
        baseline_apply(baseline->known, report);
}

bool run_baseline_finish(struct run_baseline *baseline, struct report *report, bool whole,
                         struct error *error)
{
    if (!baseline->path || !whole)
        return true;
    struct output output;
    if (!output_open(&output, baseline->path, stdout, error))
        return error_prefix(error, "--write-baseline=");
    if (!baseline_write(output.file, report, baseline->before, &baseline->numbers)) {
        error_set(error, "%s: the baseline could not be written: %s", baseline->path, strerror(errno));
        output_abandon(&output);
        return false;
    }
    baseline->written = output_commit(&output, error);
    if (baseline->written && !baseline->known)
        baseline_accept(report);
    return baseline->written;
}

static void print_written(const struct run_baseline *baseline)
{
    const struct baseline_written *numbers = &baseline->numbers;
    char findings[64] = "";
    if (numbers->findings)
        snprintf(findings, sizeof(findings), " and %zu finding%s", numbers->findings,
                 plural(numbers->findings));
    cli_message("%s: %zu thread%s of %zu leak%s%s written; use --baseline=%s from now on", baseline->path,
                numbers->threads, plural(numbers->threads), numbers->leaks, plural(numbers->leaks), findings,
                baseline->path);
}

void run_baseline_print(const struct run_baseline *baseline, const struct run_options *given)
{
    if (baseline->written && given->verbose >= 0)
        print_written(baseline);
    size_t old = baseline->known ? baseline_old(baseline->known) : 0;
    if (old && given->verbose >= 0)
        cli_message("%s: %zu leak%s matched by fingerprints " BASELINE_OLD_TEXT "=%s",
                    given->options.baseline, old, old == 1 ? " was" : "s were", given->options.baseline);
    size_t gone = baseline->known ? baseline_gone(baseline->known) : 0;
    if (gone && given->verbose > 0)
        cli_message("%s: %zu leak%s of the baseline did not occur; update it with --write-baseline=FILE",
                    given->options.baseline, gone, plural(gone));
}

void run_baseline_release(struct run_baseline *baseline)
{
    baseline_free(baseline->known);
    baseline_free(baseline->before);
    memset(baseline, 0, sizeof(*baseline));
}
