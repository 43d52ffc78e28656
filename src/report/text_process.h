/* A process in the text report. */
#ifndef THREADLEAK_REPORT_TEXT_PROCESS_H
#define THREADLEAK_REPORT_TEXT_PROCESS_H

#include "report/printer.h"

/* `alone`: it is the only one of the report. */
void print_process(const struct printer *printer, const struct process_report *process, bool alone);

#endif
