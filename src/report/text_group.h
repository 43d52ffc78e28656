/* A leak group in the text report. */
#ifndef THREADLEAK_REPORT_TEXT_GROUP_H
#define THREADLEAK_REPORT_TEXT_GROUP_H

#include "report/printer.h"

/* In full, after an empty line. */
void print_group(const struct printer *printer, const struct leak_group *group);

/* A group that is not counted, in one line. */
void print_group_short(const struct printer *printer, const struct leak_group *group);

#endif
