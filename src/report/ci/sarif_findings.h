/* Findings in the format "sarif". A rule of the leaks comes before those of the findings. */
#ifndef THREADLEAK_REPORT_CI_SARIF_FINDINGS_H
#define THREADLEAK_REPORT_CI_SARIF_FINDINGS_H

#include <jansson.h>

#include "leak/model.h"

/* Appends the rules of the findings that occur in the report. */
void sarif_append_finding_rules(json_t **array, const struct report *report);

/* The result of a finding: an element of `results`. */
json_t *sarif_finding(const struct report *report, const struct process_report *process,
                      const struct finding *finding);

/* `suppressions` of a result: the rule that suppressed it. */
json_t *sarif_suppressions(const char *suppressed_by);

#endif
