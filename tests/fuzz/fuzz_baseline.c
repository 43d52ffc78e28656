/* Any bytes as a baseline: read, applied to a report, and written again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "leak/baseline.h"
#include "leak/build.h"

/* A process with two groups, whose fingerprints are in the seed. */
static struct report *make_report(void)
{
    struct report *report = report_new();
    struct leak_group *groups = calloc(2, sizeof(*groups));
    report->processes = calloc(1, sizeof(*report->processes));
    report->process_count = 1;
    report->processes[0] =
        (struct process_report){.pid = 7, .judged = true, .groups = groups, .group_count = 2};
    struct findings *findings = &report->processes[0].findings;
    findings->items = calloc(1, sizeof(*findings->items));
    findings->count = 1;
    findings->items[0] = (struct finding){.level = FINDING_PROVED, .text = strdup("T1 joins itself")};
    strcpy(findings->items[0].fingerprint, "00000000000000aa");
    for (size_t i = 0; i < 2; i++) {
        groups[i].counted = groups[i].first_of_site = true;
        groups[i].site = i;
        strcpy(groups[i].fingerprint, i ? "00000000000000aa" : "0123456789abcdef");
        groups[i].threads = calloc(1, sizeof(*groups[i].threads));
        groups[i].thread_count = 1;
    }
    return report;
}

static void apply(struct baseline *baseline)
{
    struct report *report = make_report();
    char *text;
    size_t size;
    struct baseline_written written;
    FILE *out = open_memstream(&text, &size);
    baseline_apply(baseline, report);
    report_finish(report);
    if (!baseline_write(out, report, baseline, &written))
        abort();
    fclose(out);
    volatile size_t sum = baseline_gone(baseline) + baseline_old(baseline);
    (void)sum;
    struct error error;
    struct baseline *again = baseline_read(fuzz_file((const uint8_t *)text, size, NULL), &error);
    if (!again)
        abort(); /* what was written is read */
    baseline_free(again);
    free(text);
    report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {""};
    struct baseline *baseline = baseline_read(fuzz_file(data, size, NULL), &error);
    if (baseline)
        apply(baseline);
    else
        fuzz_check_error(error.text);
    baseline_free(baseline);
    return 0;
}
