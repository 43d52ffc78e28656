/*
 * How bad a leak is, in the words of the systems that show it.
 *
 * The format "github" has no use for it: there, an error is what makes the command fail, which all counted
 * leaks do.
 */
#ifndef THREADLEAK_REPORT_CI_SEVERITY_H
#define THREADLEAK_REPORT_CI_SEVERITY_H

#include "leak/model.h"

struct severity {
    const char *sarif;  /* "level": SARIF 2.1.0, 3.27.10 */
    const char *gitlab; /* "severity" of a Code Quality report */
};
const struct severity *leak_severity(enum leak_kind kind);

#endif
